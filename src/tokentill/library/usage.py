"""A usage that can be read from the response of a vendor or a gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

from tokentill.usage import record
from tokentill.usage.record import Given


@dataclass(frozen=True, slots=True, repr=False)
class Usage(record.Usage):
    __doc__ = record.Usage.__doc__

    @classmethod
    def from_openai(cls, response: object, **given: Unpack[Given]) -> Usage:
        """The usage of a response of OpenAI's API: Chat Completions, Responses, Embeddings, Images or Realtime.

        Args:
            response: JSON text, a mapping, or an object of the vendor's SDK; also the usage object alone, with
                `model` and `occurred_at` given.
            given: `user` and whatever else the response does not say; see `Given`. What is given wins.

        Raises:
            MissingUsage: when it reports no usage.
            InvalidRecord: when its numbers contradict each other, or it does not say its model or time.
        """
        from tokentill.sources.responses.openai import read  # here, so that pricing alone stays light

        return cls(**read(response, given))

    @classmethod
    def from_anthropic(cls, response: object, **given: Unpack[Given]) -> Usage:
        """The usage of a message of Anthropic's API. It says no time: give `occurred_at`.

        Args and errors are those of `from_openai`.
        """
        from tokentill.sources.responses.anthropic import read

        return cls(**read(response, given))

    @classmethod
    def from_gemini(cls, response: object, **given: Unpack[Given]) -> Usage:
        """The usage of a response of the Gemini API or of Vertex AI. The former says no time: give `occurred_at`.

        Args and errors are those of `from_openai`.
        """
        from tokentill.sources.responses.gemini import read

        return cls(**read(response, given))

    @classmethod
    def from_mistral(cls, response: object, **given: Unpack[Given]) -> Usage:
        """The usage of a response of Mistral's API.

        Args and errors are those of `from_openai`.
        """
        from tokentill.sources.responses.mistral import read

        return cls(**read(response, given))

    @classmethod
    def from_bedrock(cls, response: object, **given: Unpack[Given]) -> Usage:
        """The usage of a response of Amazon Bedrock: Converse, or InvokeModel, whose body may be that of any vendor.

        It names neither its model nor its time: give `model` and `occurred_at`. Other args and errors are those of
        `from_openai`.
        """
        from tokentill.sources.responses.bedrock import read

        return cls(**read(response, given))

    @classmethod
    def from_arouter(cls, response: object, **given: Unpack[Given]) -> Usage:
        """The usage of a response of ARouter, with the cost that it reports.

        Args and errors are those of `from_openai`.
        """
        from tokentill.sources.responses.arouter import read

        return cls(**read(response, given))

    @classmethod
    def from_openrouter(cls, response: object, **given: Unpack[Given]) -> Usage:
        """The usage of a response of OpenRouter, with the cost that it reports.

        Args and errors are those of `from_openai`.
        """
        from tokentill.sources.responses.openrouter import read

        return cls(**read(response, given))

    @classmethod
    def from_litellm(cls, response: object, **given: Unpack[Given]) -> Usage:
        """The usage of a response of the LiteLLM proxy or its SDK.

        Args and errors are those of `from_openai`.
        """
        from tokentill.sources.responses.litellm import read

        return cls(**read(response, given))

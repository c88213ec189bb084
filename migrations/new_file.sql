CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0025');
CREATE TABLE audit (
	seq INTEGER NOT NULL, 
	recorded_at INTEGER NOT NULL, 
	actor TEXT NOT NULL, 
	action TEXT NOT NULL, 
	content TEXT NOT NULL, 
	previous_hash TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	CONSTRAINT pk_audit PRIMARY KEY (seq), 
	CONSTRAINT uq_audit_hash UNIQUE (hash)
)
 STRICT

;
CREATE TABLE batch (
	seq INTEGER NOT NULL, 
	label TEXT NOT NULL, 
	recorded_at INTEGER NOT NULL, 
	accepted INTEGER NOT NULL, 
	duplicates INTEGER NOT NULL, 
	revisions INTEGER NOT NULL, 
	quarantined INTEGER NOT NULL, first_at INTEGER, last_at INTEGER, part_of INTEGER, reporter TEXT, digest BLOB, first_id INTEGER, last_id INTEGER, is_summed INTEGER DEFAULT 1 NOT NULL CONSTRAINT ck_batch_is_summed CHECK (is_summed IN (0, 1)), 
	CONSTRAINT pk_batch PRIMARY KEY (seq)
)
 STRICT

;
CREATE TABLE binding (
	seq INTEGER NOT NULL, 
	user TEXT NOT NULL, 
	customer TEXT NOT NULL, 
	valid_from INTEGER NOT NULL, 
	source TEXT, 
	recorded_at INTEGER NOT NULL, 
	CONSTRAINT pk_binding PRIMARY KEY (seq)
)
 STRICT

;
CREATE TABLE close_run (
	id INTEGER NOT NULL, 
	period TEXT NOT NULL, 
	state TEXT NOT NULL, 
	epoch INTEGER NOT NULL, 
	pins TEXT NOT NULL, 
	started_at INTEGER NOT NULL, 
	finished_at INTEGER, asked TEXT DEFAULT '{}' NOT NULL, left_over INTEGER, 
	CONSTRAINT pk_close_run PRIMARY KEY (id), 
	CONSTRAINT ck_close_run_state CHECK (state IN ('open', 'done', 'refused'))
)
 STRICT

;
CREATE TABLE control_total (
	cell BLOB NOT NULL, 
	version INTEGER NOT NULL, 
	digest BLOB NOT NULL, 
	seq INTEGER NOT NULL, 
	source TEXT NOT NULL, 
	day TEXT NOT NULL, 
	stated_by TEXT NOT NULL, 
	model TEXT, 
	api_key TEXT, 
	user TEXT, 
	model_alias TEXT, 
	part TEXT NOT NULL, 
	requests INTEGER, 
	tokens INTEGER, 
	cost TEXT, 
	CONSTRAINT pk_control_total PRIMARY KEY (cell, version), 
	CONSTRAINT uq_control_total_figures UNIQUE (cell, digest), 
	CONSTRAINT fk_control_total_batch FOREIGN KEY(seq) REFERENCES batch (seq), 
	CONSTRAINT ck_control_total_cell CHECK (length(cell) = 16), 
	CONSTRAINT ck_control_total_digest CHECK (length(digest) = 16), 
	CONSTRAINT ck_control_total_version CHECK (version >= 1), 
	CONSTRAINT ck_control_total_figures CHECK (requests IS NOT NULL OR tokens IS NOT NULL OR cost IS NOT NULL), 
	CONSTRAINT ck_control_total_counts CHECK (requests >= 0 AND tokens >= 0)
)
 STRICT

;
CREATE TABLE control_total_withdrawal (
	cell BLOB NOT NULL, 
	version INTEGER NOT NULL, 
	reviewer TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	recorded_at INTEGER NOT NULL, 
	CONSTRAINT pk_control_total_withdrawal PRIMARY KEY (cell, version), 
	CONSTRAINT fk_control_total_withdrawal_control_total FOREIGN KEY(cell, version) REFERENCES control_total (cell, version)
)
 STRICT

;
CREATE TABLE correction (
	invoice_id INTEGER NOT NULL, 
	period TEXT NOT NULL, 
	customer TEXT NOT NULL, 
	currency TEXT NOT NULL, 
	corrects_id INTEGER NOT NULL, 
	net_minor INTEGER NOT NULL, 
	tax_minor INTEGER NOT NULL, 
	CONSTRAINT pk_correction PRIMARY KEY (invoice_id, period, customer), 
	CONSTRAINT fk_correction_invoice FOREIGN KEY(invoice_id) REFERENCES invoice (id), 
	CONSTRAINT fk_correction_corrected FOREIGN KEY(corrects_id) REFERENCES invoice (id)
)
 STRICT

;
CREATE TABLE counter (
	name TEXT NOT NULL, 
	value INTEGER NOT NULL, 
	CONSTRAINT pk_counter PRIMARY KEY (name)
)
 STRICT

;
INSERT INTO "counter" VALUES('batch',0);
INSERT INTO "counter" VALUES('binding',0);
INSERT INTO "counter" VALUES('review',0);
INSERT INTO "counter" VALUES('audit',0);
INSERT INTO "counter" VALUES('invoice',0);
INSERT INTO "counter" VALUES('document',0);
CREATE TABLE coverage (
	invoice_id INTEGER NOT NULL, 
	series_id INTEGER NOT NULL, 
	starts_at INTEGER NOT NULL, 
	ends_at INTEGER NOT NULL, 
	seq_after INTEGER NOT NULL, 
	seq_upto INTEGER NOT NULL, 
	member TEXT, period TEXT DEFAULT '' NOT NULL, corrected TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_coverage PRIMARY KEY (invoice_id, series_id, starts_at, seq_after), 
	CONSTRAINT fk_coverage_invoice FOREIGN KEY(invoice_id) REFERENCES invoice (id), 
	CONSTRAINT fk_coverage_series FOREIGN KEY(series_id) REFERENCES series (id), 
	CONSTRAINT ck_coverage_time CHECK (starts_at < ends_at), 
	CONSTRAINT ck_coverage_seq CHECK (seq_after < seq_upto)
)
 STRICT

;
CREATE TABLE customer (
	id TEXT NOT NULL, 
	name TEXT, 
	stripe_customer TEXT, 
	updated_at INTEGER NOT NULL, 
	CONSTRAINT pk_customer PRIMARY KEY (id), 
	CONSTRAINT uq_customer_stripe_customer UNIQUE (stripe_customer)
)
 STRICT

;
CREATE TABLE document_event (
	position INTEGER NOT NULL, 
	invoice_id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	recorded_at INTEGER NOT NULL, 
	actor TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	CONSTRAINT pk_document_event PRIMARY KEY (position), 
	CONSTRAINT uq_document_event_kind UNIQUE (invoice_id, kind), 
	CONSTRAINT fk_document_event_invoice FOREIGN KEY(invoice_id) REFERENCES invoice (id), 
	CONSTRAINT ck_document_event_kind CHECK (kind IN ('issued', 'void'))
)
 STRICT

;
CREATE TABLE invoice (
	id INTEGER NOT NULL, 
	number TEXT NOT NULL, 
	customer TEXT NOT NULL, 
	period TEXT NOT NULL, 
	status TEXT NOT NULL, 
	currency TEXT NOT NULL, 
	subtotal_minor INTEGER NOT NULL, 
	tax_minor INTEGER NOT NULL, 
	total_minor INTEGER NOT NULL, 
	content BLOB NOT NULL, 
	content_hash TEXT NOT NULL, 
	pins TEXT NOT NULL, 
	issued_at INTEGER NOT NULL, 
	close_run_id INTEGER NOT NULL, kind TEXT DEFAULT 'period' NOT NULL CONSTRAINT ck_invoice_kind CHECK (kind IN ('period', 'interim', 'credit-note')), part INTEGER DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_invoice PRIMARY KEY (id), 
	CONSTRAINT uq_invoice_number UNIQUE (number), 
	CONSTRAINT fk_invoice_close_run FOREIGN KEY(close_run_id) REFERENCES close_run (id), 
	CONSTRAINT ck_invoice_status CHECK (status IN ('issued', 'void')), 
	CONSTRAINT ck_invoice_total CHECK (total_minor = subtotal_minor + tax_minor)
)
 STRICT

;
CREATE TABLE invoice_line (
	invoice_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	model TEXT NOT NULL, 
	mode TEXT NOT NULL, 
	rule TEXT, 
	requests INTEGER NOT NULL, 
	exact_amount TEXT NOT NULL, 
	amount_minor INTEGER NOT NULL, kind TEXT DEFAULT 'usage' NOT NULL, 
	CONSTRAINT pk_invoice_line PRIMARY KEY (invoice_id, position), 
	CONSTRAINT fk_invoice_line_invoice FOREIGN KEY(invoice_id) REFERENCES invoice (id)
)
 STRICT

;
CREATE TABLE key_binding (
	seq INTEGER NOT NULL, 
	api_key TEXT, 
	team TEXT, 
	customer TEXT, 
	valid_from INTEGER NOT NULL, 
	source TEXT, 
	recorded_at INTEGER NOT NULL, 
	CONSTRAINT pk_key_binding PRIMARY KEY (seq), 
	CONSTRAINT ck_key_binding_parties CHECK ((CASE WHEN api_key IS NULL THEN 0 ELSE 1 END) + (CASE WHEN team IS NULL THEN 0 ELSE 1 END) + (CASE WHEN customer IS NULL THEN 0 ELSE 1 END) = 2)
)
 STRICT

;
CREATE TABLE ledger (
	invoice_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	name TEXT NOT NULL, 
	amount_minor INTEGER NOT NULL, 
	customer TEXT NOT NULL, 
	currency TEXT NOT NULL, period TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT pk_ledger PRIMARY KEY (invoice_id, position), 
	CONSTRAINT fk_ledger_invoice FOREIGN KEY(invoice_id) REFERENCES invoice (id), 
	CONSTRAINT ck_ledger_kind CHECK (kind IN ('coupon', 'credit', 'balance', 'invoiced', 'tax', 'commitment', 'overage', 'true_up', 'opening'))
)
 STRICT

;
CREATE TABLE manual_line (
	number INTEGER NOT NULL, 
	period TEXT NOT NULL, 
	customer TEXT NOT NULL, 
	currency TEXT NOT NULL, 
	amount_minor INTEGER NOT NULL, 
	description TEXT NOT NULL, 
	may_be_negative INTEGER NOT NULL, 
	reviewer TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	recorded_at INTEGER NOT NULL, 
	CONSTRAINT pk_manual_line PRIMARY KEY (number), 
	CONSTRAINT ck_manual_line_may_be_negative CHECK (may_be_negative IN (0, 1))
)
 STRICT

;
CREATE TABLE manual_line_removal (
	line INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	reviewer TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	recorded_at INTEGER NOT NULL, 
	CONSTRAINT pk_manual_line_removal PRIMARY KEY (line), 
	CONSTRAINT uq_manual_line_removal_number UNIQUE (number), 
	CONSTRAINT fk_manual_line_removal_manual_line FOREIGN KEY(line) REFERENCES manual_line (number)
)
 STRICT

;
CREATE TABLE member_period (
	invoice_id INTEGER NOT NULL, 
	customer TEXT NOT NULL, 
	period TEXT NOT NULL, 
	starts_at INTEGER NOT NULL, 
	ends_at INTEGER NOT NULL, 
	CONSTRAINT pk_member_period PRIMARY KEY (invoice_id, customer), 
	CONSTRAINT fk_member_period_invoice FOREIGN KEY(invoice_id) REFERENCES invoice (id), 
	CONSTRAINT ck_member_period_time CHECK (starts_at < ends_at)
)
 STRICT

;
CREATE TABLE pull (
	source TEXT NOT NULL, 
	asked_user TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	starts_at INTEGER NOT NULL, 
	ends_at INTEGER NOT NULL, 
	cursor TEXT, 
	why TEXT, 
	checkpoint_at INTEGER, 
	recorded_at INTEGER NOT NULL, 
	CONSTRAINT pk_pull PRIMARY KEY (source, asked_user, number), 
	CONSTRAINT ck_pull_kind CHECK (kind IN ('page', 'whole', 'gap')), 
	CONSTRAINT ck_pull_time CHECK (starts_at < ends_at), 
	CONSTRAINT ck_pull_cursor CHECK ((kind = 'page') = (cursor IS NOT NULL)), 
	CONSTRAINT ck_pull_why CHECK ((kind = 'gap') = (why IS NOT NULL))
)
 STRICT

;
CREATE TABLE push (
	customer TEXT NOT NULL, 
	meter TEXT NOT NULL, 
	day TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	period TEXT NOT NULL, 
	invoice TEXT NOT NULL, 
	stripe_customer TEXT NOT NULL, 
	value_minor INTEGER NOT NULL, 
	identifier TEXT NOT NULL, 
	state TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	first_sent_at INTEGER, 
	note TEXT, 
	CONSTRAINT pk_push PRIMARY KEY (customer, meter, day, version), 
	CONSTRAINT uq_push_identifier UNIQUE (identifier), 
	CONSTRAINT fk_push_invoice FOREIGN KEY(invoice) REFERENCES invoice (number), 
	CONSTRAINT ck_push_state CHECK (state IN ('wanted', 'sending', 'accepted', 'confirmed', 'rejected', 'unknown', 'replaced'))
)
 STRICT

;
CREATE TABLE quarantine (
	digest BLOB NOT NULL, 
	line INTEGER NOT NULL, 
	label TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	record_id TEXT, 
	excerpt TEXT NOT NULL, 
	seq INTEGER NOT NULL, occurred_at INTEGER, raw BLOB, header BLOB, source TEXT, format TEXT, 
	CONSTRAINT pk_quarantine PRIMARY KEY (digest, line), 
	CONSTRAINT fk_quarantine_batch FOREIGN KEY(seq) REFERENCES batch (seq)
)
 STRICT

;
CREATE TABLE quarantine_decision (
	digest BLOB NOT NULL, 
	line INTEGER NOT NULL, 
	decision TEXT NOT NULL, 
	reviewer TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	recorded_at INTEGER NOT NULL, 
	CONSTRAINT pk_quarantine_decision PRIMARY KEY (digest, line), 
	CONSTRAINT fk_quarantine_decision_quarantine FOREIGN KEY(digest, line) REFERENCES quarantine (digest, line), 
	CONSTRAINT ck_quarantine_decision_decision CHECK (decision IN ('discarded', 'taken'))
)
 STRICT

;
CREATE TABLE recording (
	hash TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	content BLOB NOT NULL, 
	first_seen_at INTEGER NOT NULL, 
	CONSTRAINT pk_recording PRIMARY KEY (hash)
)
 STRICT

;
CREATE TABLE review (
	seq INTEGER NOT NULL, 
	customer TEXT NOT NULL, 
	period TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	content_hash TEXT NOT NULL, 
	reviewer TEXT NOT NULL, 
	note TEXT NOT NULL, 
	recorded_at INTEGER NOT NULL, pins TEXT, policy TEXT, policy_hash TEXT, 
	CONSTRAINT pk_review PRIMARY KEY (seq), 
	CONSTRAINT ck_review_kind CHECK (kind IN ('approved', 'held', 'released'))
)
 STRICT

;
CREATE TABLE revision (
	source_id INTEGER NOT NULL, 
	record_id TEXT NOT NULL, 
	digest BLOB NOT NULL, 
	seq INTEGER NOT NULL, 
	content TEXT NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	occurred_at INTEGER NOT NULL, 
	revised_at INTEGER NOT NULL, 
	CONSTRAINT pk_revision PRIMARY KEY (source_id, record_id, digest), 
	CONSTRAINT fk_revision_batch FOREIGN KEY(seq) REFERENCES batch (seq), 
	CONSTRAINT fk_revision_usage FOREIGN KEY(source_id, record_id, version) REFERENCES usage (source_id, record_id, version)
)
 STRICT

;
CREATE TABLE revision_decision (
	source_id INTEGER NOT NULL, 
	record_id TEXT NOT NULL, 
	digest BLOB NOT NULL, 
	decision TEXT NOT NULL, 
	reviewer TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	recorded_at INTEGER NOT NULL, 
	CONSTRAINT pk_revision_decision PRIMARY KEY (source_id, record_id, digest, decision), 
	CONSTRAINT fk_revision_decision_revision FOREIGN KEY(source_id, record_id, digest) REFERENCES revision (source_id, record_id, digest), 
	CONSTRAINT ck_revision_decision_decision CHECK (decision IN ('accepted', 'rejected'))
)
 STRICT

;
CREATE TABLE series (
	id INTEGER NOT NULL, 
	digest BLOB NOT NULL, 
	source TEXT NOT NULL, 
	user TEXT, 
	api_key TEXT, 
	model TEXT NOT NULL, 
	provider TEXT, 
	mode TEXT NOT NULL, 
	geo TEXT, 
	tags TEXT NOT NULL, 
	is_byok INTEGER NOT NULL, 
	status TEXT NOT NULL, 
	usage_state TEXT NOT NULL, is_replayed INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_series_is_replayed CHECK (is_replayed IN (0, 1)), 
	CONSTRAINT pk_series PRIMARY KEY (id), 
	CONSTRAINT uq_series_digest UNIQUE (digest), 
	CONSTRAINT ck_series_is_byok CHECK (is_byok IN (0, 1)), 
	CONSTRAINT ck_series_usage_state CHECK (usage_state IN ('reported', 'estimated', 'missing'))
)
 STRICT

;
CREATE TABLE series_month (
	month INTEGER NOT NULL, 
	series_id INTEGER NOT NULL, 
	CONSTRAINT pk_series_month PRIMARY KEY (month, series_id), 
	CONSTRAINT fk_series_month_series FOREIGN KEY(series_id) REFERENCES series (id)
)
 WITHOUT ROWID,
 STRICT

;
CREATE TABLE source (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	CONSTRAINT pk_source PRIMARY KEY (id), 
	CONSTRAINT uq_source_name UNIQUE (name)
)
 STRICT

;
CREATE TABLE staged_event (
	seq INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	reviewer TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	recorded_at INTEGER NOT NULL, 
	CONSTRAINT pk_staged_event PRIMARY KEY (seq, kind), 
	CONSTRAINT fk_staged_event_batch FOREIGN KEY(seq) REFERENCES batch (seq), 
	CONSTRAINT ck_staged_event_kind CHECK (kind IN ('staged', 'accepted', 'taken', 'dropped'))
)
 STRICT

;
CREATE TABLE staged_record (
	seq INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	content TEXT NOT NULL, 
	CONSTRAINT pk_staged_record PRIMARY KEY (seq, position), 
	CONSTRAINT fk_staged_record_batch FOREIGN KEY(seq) REFERENCES batch (seq)
)
 STRICT

;
CREATE TABLE stripe_account (
	id INTEGER NOT NULL, 
	account TEXT NOT NULL, 
	is_live INTEGER NOT NULL, 
	CONSTRAINT pk_stripe_account PRIMARY KEY (id), 
	CONSTRAINT ck_stripe_account_single CHECK (id = 1)
)
 STRICT

;
CREATE TABLE "usage" (
	id INTEGER NOT NULL, 
	source_id INTEGER NOT NULL, 
	record_id TEXT NOT NULL, 
	series_id INTEGER NOT NULL, 
	seq INTEGER NOT NULL, 
	occurred_at INTEGER NOT NULL, 
	input_total INTEGER NOT NULL, 
	input INTEGER DEFAULT 0 NOT NULL, 
	cache_read INTEGER DEFAULT 0 NOT NULL, 
	cache_write_5m INTEGER DEFAULT 0 NOT NULL, 
	cache_write_1h INTEGER DEFAULT 0 NOT NULL, 
	cache_write INTEGER DEFAULT 0 NOT NULL, 
	input_audio INTEGER DEFAULT 0 NOT NULL, 
	input_audio_cache_read INTEGER DEFAULT 0 NOT NULL, 
	input_image INTEGER DEFAULT 0 NOT NULL, 
	input_image_cache_read INTEGER DEFAULT 0 NOT NULL, 
	input_video INTEGER DEFAULT 0 NOT NULL, 
	output INTEGER DEFAULT 0 NOT NULL, 
	reasoning INTEGER DEFAULT 0 NOT NULL, 
	output_audio INTEGER DEFAULT 0 NOT NULL, 
	output_image INTEGER DEFAULT 0 NOT NULL, 
	has_cost INTEGER NOT NULL, 
	cost_e8 INTEGER DEFAULT 0 NOT NULL, 
	cost_e16 INTEGER DEFAULT 0 NOT NULL, 
	cost_e24 INTEGER DEFAULT 0 NOT NULL, 
	digest BLOB, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT pk_usage PRIMARY KEY (id), 
	CONSTRAINT uq_usage_identity UNIQUE (source_id, record_id, version), 
	
	
	
	CONSTRAINT ck_usage_digest CHECK (length(digest) = 16), 
	CONSTRAINT ck_usage_has_cost CHECK (has_cost IN (0, 1))
)
 STRICT

;
CREATE TABLE usage_request (
	usage_id INTEGER NOT NULL, 
	source_id INTEGER NOT NULL, 
	request TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	request_key TEXT, 
	CONSTRAINT pk_usage_request PRIMARY KEY (usage_id), 
	CONSTRAINT uq_usage_request_version UNIQUE (source_id, request, version), 
	CONSTRAINT fk_usage_request_usage FOREIGN KEY(usage_id) REFERENCES usage (id), 
	CONSTRAINT fk_usage_request_source FOREIGN KEY(source_id) REFERENCES source (id)
)
 STRICT

;
CREATE TABLE usage_sum (
	day INTEGER NOT NULL, 
	series_id INTEGER NOT NULL, 
	band INTEGER NOT NULL, 
	facts INTEGER NOT NULL, 
	seq INTEGER NOT NULL, 
	input_min INTEGER NOT NULL, 
	input_max INTEGER NOT NULL, 
	requests INTEGER NOT NULL, 
	with_cost INTEGER NOT NULL, 
	at_no_cost INTEGER NOT NULL, 
	input INTEGER NOT NULL, 
	cache_read INTEGER NOT NULL, 
	cache_write_5m INTEGER NOT NULL, 
	cache_write_1h INTEGER NOT NULL, 
	cache_write INTEGER NOT NULL, 
	input_audio INTEGER NOT NULL, 
	input_audio_cache_read INTEGER NOT NULL, 
	input_image INTEGER NOT NULL, 
	input_image_cache_read INTEGER NOT NULL, 
	input_video INTEGER NOT NULL, 
	output INTEGER NOT NULL, 
	reasoning INTEGER NOT NULL, 
	output_audio INTEGER NOT NULL, 
	output_image INTEGER NOT NULL, 
	cost_e8 INTEGER NOT NULL, 
	cost_e16 INTEGER NOT NULL, 
	cost_e24 INTEGER NOT NULL, 
	CONSTRAINT pk_usage_sum PRIMARY KEY (day, series_id, band, facts, seq)
)
 WITHOUT ROWID,
 STRICT

;
CREATE TABLE usage_sum_unit (
	day INTEGER NOT NULL, 
	series_id INTEGER NOT NULL, 
	band INTEGER NOT NULL, 
	facts INTEGER NOT NULL, 
	seq INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	quantity INTEGER NOT NULL, 
	CONSTRAINT pk_usage_sum_unit PRIMARY KEY (day, series_id, band, facts, seq, name)
)
 WITHOUT ROWID,
 STRICT

;
CREATE TABLE usage_unit (
	usage_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	quantity INTEGER NOT NULL, 
	CONSTRAINT pk_usage_unit PRIMARY KEY (usage_id, name), 
	CONSTRAINT fk_usage_unit_usage FOREIGN KEY(usage_id) REFERENCES usage (id)
)
 WITHOUT ROWID,
 STRICT

;
CREATE TABLE withdrawal (
	usage_id INTEGER NOT NULL, 
	cause TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	reviewer TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	recorded_at INTEGER NOT NULL, 
	CONSTRAINT pk_withdrawal PRIMARY KEY (usage_id, cause), 
	CONSTRAINT fk_withdrawal_usage FOREIGN KEY(usage_id) REFERENCES usage (id), 
	CONSTRAINT fk_withdrawal_batch FOREIGN KEY(seq) REFERENCES batch (seq), 
	CONSTRAINT ck_withdrawal_cause CHECK (cause IN ('revision', 'waiver', 'retraction', 'acceptance'))
)
 STRICT

;
CREATE TABLE witness (
	source_id INTEGER NOT NULL, 
	record_id TEXT NOT NULL, 
	reporter TEXT NOT NULL, 
	digest BLOB NOT NULL, 
	seq INTEGER NOT NULL, 
	request TEXT NOT NULL, 
	content TEXT NOT NULL, 
	occurred_at INTEGER NOT NULL, 
	CONSTRAINT pk_witness PRIMARY KEY (source_id, record_id, reporter, digest), 
	CONSTRAINT fk_witness_source FOREIGN KEY(source_id) REFERENCES source (id), 
	CONSTRAINT fk_witness_batch FOREIGN KEY(seq) REFERENCES batch (seq)
)
 STRICT

;
CREATE UNIQUE INDEX uq_close_run_open ON close_run (period) WHERE state = 'open';
CREATE INDEX ix_review_period ON review (period);
CREATE INDEX ix_push_period ON push (period);
CREATE TRIGGER guard_batch_delete BEFORE DELETE ON batch BEGIN SELECT RAISE(ABORT, 'batch is append-only'); END;
CREATE TRIGGER guard_quarantine_update BEFORE UPDATE ON quarantine BEGIN SELECT RAISE(ABORT, 'quarantine is append-only'); END;
CREATE TRIGGER guard_quarantine_delete BEFORE DELETE ON quarantine BEGIN SELECT RAISE(ABORT, 'quarantine is append-only'); END;
CREATE TRIGGER guard_recording_update BEFORE UPDATE ON recording BEGIN SELECT RAISE(ABORT, 'recording is append-only'); END;
CREATE TRIGGER guard_recording_delete BEFORE DELETE ON recording BEGIN SELECT RAISE(ABORT, 'recording is append-only'); END;
CREATE TRIGGER guard_binding_update BEFORE UPDATE ON binding BEGIN SELECT RAISE(ABORT, 'binding is append-only'); END;
CREATE TRIGGER guard_binding_delete BEFORE DELETE ON binding BEGIN SELECT RAISE(ABORT, 'binding is append-only'); END;
CREATE TRIGGER guard_review_update BEFORE UPDATE ON review BEGIN SELECT RAISE(ABORT, 'review is append-only'); END;
CREATE TRIGGER guard_review_delete BEFORE DELETE ON review BEGIN SELECT RAISE(ABORT, 'review is append-only'); END;
CREATE TRIGGER guard_audit_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER guard_audit_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER guard_invoice_line_update BEFORE UPDATE ON invoice_line BEGIN SELECT RAISE(ABORT, 'invoice_line is append-only'); END;
CREATE TRIGGER guard_invoice_line_delete BEFORE DELETE ON invoice_line BEGIN SELECT RAISE(ABORT, 'invoice_line is append-only'); END;
CREATE TRIGGER guard_batch_insert BEFORE INSERT ON batch WHEN EXISTS (SELECT 1 FROM batch WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM batch WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'batch is append-only'); END;
CREATE TRIGGER guard_quarantine_insert BEFORE INSERT ON quarantine WHEN EXISTS (SELECT 1 FROM quarantine WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM quarantine WHERE digest = NEW.digest AND line = NEW.line) BEGIN SELECT RAISE(ABORT, 'quarantine is append-only'); END;
CREATE TRIGGER guard_recording_insert BEFORE INSERT ON recording WHEN EXISTS (SELECT 1 FROM recording WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM recording WHERE hash = NEW.hash) BEGIN SELECT RAISE(ABORT, 'recording is append-only'); END;
CREATE TRIGGER guard_binding_insert BEFORE INSERT ON binding WHEN EXISTS (SELECT 1 FROM binding WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM binding WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'binding is append-only'); END;
CREATE TRIGGER guard_review_insert BEFORE INSERT ON review WHEN EXISTS (SELECT 1 FROM review WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM review WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'review is append-only'); END;
CREATE TRIGGER guard_audit_insert BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq) OR EXISTS (SELECT 1 FROM audit WHERE hash = NEW.hash) BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER guard_invoice_line_insert BEFORE INSERT ON invoice_line WHEN EXISTS (SELECT 1 FROM invoice_line WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM invoice_line WHERE invoice_id = NEW.invoice_id AND position = NEW.position) BEGIN SELECT RAISE(ABORT, 'invoice_line is append-only'); END;
CREATE INDEX ix_coverage_series ON coverage (series_id, ends_at);
CREATE INDEX ix_coverage_ends_at ON coverage (ends_at);
CREATE INDEX ix_member_period_customer ON member_period (customer, ends_at);
CREATE INDEX ix_member_period_ends_at ON member_period (ends_at);
CREATE TRIGGER guard_document_event_update BEFORE UPDATE ON document_event BEGIN SELECT RAISE(ABORT, 'document_event is append-only'); END;
CREATE TRIGGER guard_document_event_delete BEFORE DELETE ON document_event BEGIN SELECT RAISE(ABORT, 'document_event is append-only'); END;
CREATE TRIGGER guard_document_event_insert BEFORE INSERT ON document_event WHEN EXISTS (SELECT 1 FROM document_event WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM document_event WHERE position = NEW.position) OR EXISTS (SELECT 1 FROM document_event WHERE invoice_id = NEW.invoice_id AND kind = NEW.kind) BEGIN SELECT RAISE(ABORT, 'document_event is append-only'); END;
CREATE TRIGGER guard_coverage_update BEFORE UPDATE ON coverage BEGIN SELECT RAISE(ABORT, 'coverage is append-only'); END;
CREATE TRIGGER guard_coverage_delete BEFORE DELETE ON coverage BEGIN SELECT RAISE(ABORT, 'coverage is append-only'); END;
CREATE TRIGGER guard_coverage_insert BEFORE INSERT ON coverage WHEN EXISTS (SELECT 1 FROM coverage WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM coverage WHERE invoice_id = NEW.invoice_id AND series_id = NEW.series_id AND starts_at = NEW.starts_at AND seq_after = NEW.seq_after) BEGIN SELECT RAISE(ABORT, 'coverage is append-only'); END;
CREATE TRIGGER guard_member_period_update BEFORE UPDATE ON member_period BEGIN SELECT RAISE(ABORT, 'member_period is append-only'); END;
CREATE TRIGGER guard_member_period_delete BEFORE DELETE ON member_period BEGIN SELECT RAISE(ABORT, 'member_period is append-only'); END;
CREATE TRIGGER guard_member_period_insert BEFORE INSERT ON member_period WHEN EXISTS (SELECT 1 FROM member_period WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM member_period WHERE invoice_id = NEW.invoice_id AND customer = NEW.customer) BEGIN SELECT RAISE(ABORT, 'member_period is append-only'); END;
CREATE TRIGGER guard_document_event_void AFTER INSERT ON document_event WHEN NEW.kind = 'void' BEGIN UPDATE invoice SET status = 'void' WHERE id = NEW.invoice_id AND status = 'issued'; END;
CREATE TRIGGER guard_series_delete BEFORE DELETE ON series BEGIN SELECT RAISE(ABORT, 'series is append-only'); END;
CREATE TRIGGER guard_series_insert BEFORE INSERT ON series WHEN EXISTS (SELECT 1 FROM series WHERE id = NEW.id OR digest = NEW.digest) BEGIN SELECT RAISE(ABORT, 'series is append-only'); END;
CREATE TRIGGER guard_source_update BEFORE UPDATE ON source BEGIN SELECT RAISE(ABORT, 'source is append-only'); END;
CREATE TRIGGER guard_source_delete BEFORE DELETE ON source BEGIN SELECT RAISE(ABORT, 'source is append-only'); END;
CREATE TRIGGER guard_source_insert BEFORE INSERT ON source WHEN EXISTS (SELECT 1 FROM source WHERE id = NEW.id OR name = NEW.name) BEGIN SELECT RAISE(ABORT, 'source is append-only'); END;
CREATE TRIGGER guard_close_run_update BEFORE UPDATE ON close_run WHEN NEW.id IS NOT OLD.id OR NEW.period IS NOT OLD.period OR NEW.pins IS NOT OLD.pins OR NEW.started_at IS NOT OLD.started_at OR NEW.asked IS NOT OLD.asked OR OLD.state <> 'open' OR NEW.epoch < OLD.epoch OR (NEW.state = 'open') <> (NEW.finished_at IS NULL) BEGIN SELECT RAISE(ABORT, 'a close run keeps its pins and ends once'); END;
CREATE TRIGGER guard_close_run_delete BEFORE DELETE ON close_run BEGIN SELECT RAISE(ABORT, 'a close run keeps its pins and ends once'); END;
CREATE TRIGGER guard_close_run_insert BEFORE INSERT ON close_run WHEN EXISTS (SELECT 1 FROM close_run WHERE id = NEW.id OR (period = NEW.period AND state = 'open' AND NEW.state = 'open')) BEGIN SELECT RAISE(ABORT, 'a close run keeps its pins and ends once'); END;
CREATE TRIGGER guard_counter_update BEFORE UPDATE ON counter WHEN NEW.name IS NOT OLD.name OR NEW.value <> OLD.value + 1 BEGIN SELECT RAISE(ABORT, 'a counter goes up by one and is never removed'); END;
CREATE TRIGGER guard_counter_delete BEFORE DELETE ON counter BEGIN SELECT RAISE(ABORT, 'a counter goes up by one and is never removed'); END;
CREATE TRIGGER guard_counter_insert BEFORE INSERT ON counter BEGIN SELECT RAISE(ABORT, 'a counter goes up by one and is never removed'); END;
CREATE TRIGGER guard_revision_update BEFORE UPDATE ON revision BEGIN SELECT RAISE(ABORT, 'revision is append-only'); END;
CREATE TRIGGER guard_revision_delete BEFORE DELETE ON revision BEGIN SELECT RAISE(ABORT, 'revision is append-only'); END;
CREATE TRIGGER guard_revision_insert BEFORE INSERT ON revision WHEN EXISTS (SELECT 1 FROM revision WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM revision WHERE source_id = NEW.source_id AND record_id = NEW.record_id AND digest = NEW.digest) BEGIN SELECT RAISE(ABORT, 'revision is append-only'); END;
CREATE INDEX ix_revision_occurred_at ON revision (occurred_at);
CREATE INDEX ix_revision_revised_at ON revision (revised_at);
CREATE INDEX ix_quarantine_occurred_at ON quarantine (occurred_at);
CREATE TRIGGER guard_revision_decision_update BEFORE UPDATE ON revision_decision BEGIN SELECT RAISE(ABORT, 'revision_decision is append-only'); END;
CREATE TRIGGER guard_revision_decision_delete BEFORE DELETE ON revision_decision BEGIN SELECT RAISE(ABORT, 'revision_decision is append-only'); END;
CREATE TRIGGER guard_revision_decision_insert BEFORE INSERT ON revision_decision WHEN EXISTS (SELECT 1 FROM revision_decision WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM revision_decision WHERE source_id = NEW.source_id AND record_id = NEW.record_id AND digest = NEW.digest AND decision = NEW.decision) BEGIN SELECT RAISE(ABORT, 'revision_decision is append-only'); END;
CREATE TRIGGER guard_quarantine_decision_delete BEFORE DELETE ON quarantine_decision BEGIN SELECT RAISE(ABORT, 'quarantine_decision is append-only'); END;
CREATE TRIGGER guard_quarantine_decision_insert BEFORE INSERT ON quarantine_decision WHEN EXISTS (SELECT 1 FROM quarantine_decision WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM quarantine_decision WHERE digest = NEW.digest AND line = NEW.line) BEGIN SELECT RAISE(ABORT, 'quarantine_decision is append-only'); END;
CREATE TRIGGER guard_quarantine_decision_update BEFORE UPDATE ON quarantine_decision BEGIN SELECT RAISE(ABORT, 'quarantine_decision is append-only'); END;
CREATE TRIGGER guard_staged_record_update BEFORE UPDATE ON staged_record BEGIN SELECT RAISE(ABORT, 'staged_record is append-only'); END;
CREATE TRIGGER guard_staged_record_delete BEFORE DELETE ON staged_record BEGIN SELECT RAISE(ABORT, 'staged_record is append-only'); END;
CREATE TRIGGER guard_staged_record_insert BEFORE INSERT ON staged_record WHEN EXISTS (SELECT 1 FROM staged_record WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM staged_record WHERE seq = NEW.seq AND position = NEW.position) BEGIN SELECT RAISE(ABORT, 'staged_record is append-only'); END;
CREATE TRIGGER guard_staged_event_update BEFORE UPDATE ON staged_event BEGIN SELECT RAISE(ABORT, 'staged_event is append-only'); END;
CREATE TRIGGER guard_staged_event_delete BEFORE DELETE ON staged_event BEGIN SELECT RAISE(ABORT, 'staged_event is append-only'); END;
CREATE TRIGGER guard_staged_event_insert BEFORE INSERT ON staged_event WHEN EXISTS (SELECT 1 FROM staged_event WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM staged_event WHERE seq = NEW.seq AND kind = NEW.kind) BEGIN SELECT RAISE(ABORT, 'staged_event is append-only'); END;
CREATE INDEX ix_correction_customer ON correction (customer, period);
CREATE TRIGGER guard_correction_update BEFORE UPDATE ON correction BEGIN SELECT RAISE(ABORT, 'correction is append-only'); END;
CREATE TRIGGER guard_correction_delete BEFORE DELETE ON correction BEGIN SELECT RAISE(ABORT, 'correction is append-only'); END;
CREATE TRIGGER guard_correction_insert BEFORE INSERT ON correction WHEN EXISTS (SELECT 1 FROM correction WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM correction WHERE invoice_id = NEW.invoice_id AND period = NEW.period AND customer = NEW.customer) BEGIN SELECT RAISE(ABORT, 'correction is append-only'); END;
CREATE INDEX ix_invoice_customer ON invoice (customer);
CREATE INDEX ix_invoice_period ON invoice (period);
CREATE UNIQUE INDEX uq_invoice_live ON invoice (customer, period, kind, part) WHERE status = 'issued';
CREATE TRIGGER guard_invoice_delete BEFORE DELETE ON invoice BEGIN SELECT RAISE(ABORT, 'an issued invoice never changes'); END;
CREATE TRIGGER guard_invoice_update BEFORE UPDATE ON invoice WHEN NEW.id IS NOT OLD.id OR NEW.number IS NOT OLD.number OR NEW.customer IS NOT OLD.customer OR NEW.period IS NOT OLD.period OR NEW.currency IS NOT OLD.currency OR NEW.subtotal_minor IS NOT OLD.subtotal_minor OR NEW.tax_minor IS NOT OLD.tax_minor OR NEW.total_minor IS NOT OLD.total_minor OR NEW.content IS NOT OLD.content OR NEW.content_hash IS NOT OLD.content_hash OR NEW.pins IS NOT OLD.pins OR NEW.issued_at IS NOT OLD.issued_at OR NEW.close_run_id IS NOT OLD.close_run_id OR NEW.kind IS NOT OLD.kind OR NEW.part IS NOT OLD.part OR NOT (OLD.status = 'issued' AND NEW.status = 'void') BEGIN SELECT RAISE(ABORT, 'an issued invoice never changes'); END;
CREATE TRIGGER guard_invoice_void AFTER UPDATE OF status ON invoice WHEN NEW.status = 'void' AND NOT EXISTS (SELECT 1 FROM document_event WHERE invoice_id = NEW.id AND kind = 'void') BEGIN UPDATE counter SET value = value + 1 WHERE name = 'document'; INSERT INTO document_event (position, invoice_id, kind, recorded_at, actor, reason) SELECT value, NEW.id, 'void', (SELECT max(recorded_at) FROM document_event), 'unknown', 'its status was changed in the database' FROM counter WHERE name = 'document'; END;
CREATE UNIQUE INDEX uq_invoice_run ON invoice (close_run_id, customer, kind, period);
CREATE TRIGGER guard_invoice_insert BEFORE INSERT ON invoice WHEN EXISTS (SELECT 1 FROM invoice WHERE id = NEW.id OR number = NEW.number OR (customer = NEW.customer AND period = NEW.period AND kind = NEW.kind AND part = NEW.part AND status = 'issued' AND NEW.status = 'issued') OR (close_run_id = NEW.close_run_id AND customer = NEW.customer AND kind = NEW.kind AND period = NEW.period)) BEGIN SELECT RAISE(ABORT, 'an issued invoice never changes'); END;
CREATE INDEX ix_manual_line_period ON manual_line (period);
CREATE TRIGGER guard_manual_line_update BEFORE UPDATE ON manual_line BEGIN SELECT RAISE(ABORT, 'manual_line is append-only'); END;
CREATE TRIGGER guard_manual_line_delete BEFORE DELETE ON manual_line BEGIN SELECT RAISE(ABORT, 'manual_line is append-only'); END;
CREATE TRIGGER guard_manual_line_insert BEFORE INSERT ON manual_line WHEN EXISTS (SELECT 1 FROM manual_line WHERE rowid = NEW.rowid OR number = NEW.number) BEGIN SELECT RAISE(ABORT, 'manual_line is append-only'); END;
CREATE TRIGGER guard_manual_line_removal_update BEFORE UPDATE ON manual_line_removal BEGIN SELECT RAISE(ABORT, 'manual_line_removal is append-only'); END;
CREATE TRIGGER guard_manual_line_removal_delete BEFORE DELETE ON manual_line_removal BEGIN SELECT RAISE(ABORT, 'manual_line_removal is append-only'); END;
CREATE TRIGGER guard_manual_line_removal_insert BEFORE INSERT ON manual_line_removal WHEN EXISTS (SELECT 1 FROM manual_line_removal WHERE rowid = NEW.rowid OR line = NEW.line OR number = NEW.number) BEGIN SELECT RAISE(ABORT, 'manual_line_removal is append-only'); END;
CREATE INDEX ix_ledger_customer ON ledger (customer);
CREATE TRIGGER guard_ledger_delete BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'ledger is append-only'); END;
CREATE TRIGGER guard_ledger_insert BEFORE INSERT ON ledger WHEN EXISTS (SELECT 1 FROM ledger WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM ledger WHERE invoice_id = NEW.invoice_id AND position = NEW.position) BEGIN SELECT RAISE(ABORT, 'ledger is append-only'); END;
CREATE TRIGGER guard_ledger_update BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'ledger is append-only'); END;
CREATE INDEX ix_control_total_day ON control_total (day);
CREATE INDEX ix_control_total_seq ON control_total (seq);
CREATE TRIGGER guard_control_total_update BEFORE UPDATE ON control_total BEGIN SELECT RAISE(ABORT, 'control_total is append-only'); END;
CREATE TRIGGER guard_control_total_delete BEFORE DELETE ON control_total BEGIN SELECT RAISE(ABORT, 'control_total is append-only'); END;
CREATE TRIGGER guard_control_total_insert BEFORE INSERT ON control_total WHEN EXISTS (SELECT 1 FROM control_total WHERE rowid = NEW.rowid OR (cell = NEW.cell AND (version = NEW.version OR digest = NEW.digest))) BEGIN SELECT RAISE(ABORT, 'control_total is append-only'); END;
CREATE TRIGGER guard_control_total_withdrawal_update BEFORE UPDATE ON control_total_withdrawal BEGIN SELECT RAISE(ABORT, 'control_total_withdrawal is append-only'); END;
CREATE TRIGGER guard_control_total_withdrawal_delete BEFORE DELETE ON control_total_withdrawal BEGIN SELECT RAISE(ABORT, 'control_total_withdrawal is append-only'); END;
CREATE TRIGGER guard_control_total_withdrawal_insert BEFORE INSERT ON control_total_withdrawal WHEN EXISTS (SELECT 1 FROM control_total_withdrawal WHERE rowid = NEW.rowid OR (cell = NEW.cell AND version = NEW.version)) BEGIN SELECT RAISE(ABORT, 'control_total_withdrawal is append-only'); END;
CREATE TRIGGER guard_pull_update BEFORE UPDATE ON pull BEGIN SELECT RAISE(ABORT, 'pull is append-only'); END;
CREATE TRIGGER guard_pull_delete BEFORE DELETE ON pull BEGIN SELECT RAISE(ABORT, 'pull is append-only'); END;
CREATE TRIGGER guard_pull_insert BEFORE INSERT ON pull WHEN EXISTS (SELECT 1 FROM pull WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM pull WHERE source = NEW.source AND asked_user = NEW.asked_user AND number = NEW.number) BEGIN SELECT RAISE(ABORT, 'pull is append-only'); END;
CREATE TRIGGER guard_series_update BEFORE UPDATE ON series BEGIN SELECT RAISE(ABORT, 'series is append-only'); END;
CREATE INDEX ix_withdrawal_seq ON withdrawal (seq);
CREATE TRIGGER guard_withdrawal_delete BEFORE DELETE ON withdrawal BEGIN SELECT RAISE(ABORT, 'withdrawal is append-only'); END;
CREATE TRIGGER guard_withdrawal_insert BEFORE INSERT ON withdrawal WHEN EXISTS (SELECT 1 FROM withdrawal WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM withdrawal WHERE usage_id = NEW.usage_id AND cause = NEW.cause) BEGIN SELECT RAISE(ABORT, 'withdrawal is append-only'); END;
CREATE TRIGGER guard_withdrawal_update BEFORE UPDATE ON withdrawal BEGIN SELECT RAISE(ABORT, 'withdrawal is append-only'); END;
CREATE INDEX ix_usage_request_key ON usage_request (source_id, request_key);
CREATE INDEX ix_witness_request ON witness (source_id, request);
CREATE INDEX ix_witness_occurred_at ON witness (occurred_at);
CREATE INDEX ix_witness_seq ON witness (seq);
CREATE TRIGGER guard_usage_request_update BEFORE UPDATE ON usage_request BEGIN SELECT RAISE(ABORT, 'usage_request is append-only'); END;
CREATE TRIGGER guard_usage_request_delete BEFORE DELETE ON usage_request BEGIN SELECT RAISE(ABORT, 'usage_request is append-only'); END;
CREATE TRIGGER guard_usage_request_insert BEFORE INSERT ON usage_request WHEN EXISTS (SELECT 1 FROM usage_request WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM usage_request WHERE usage_id = NEW.usage_id) OR EXISTS (SELECT 1 FROM usage_request WHERE source_id = NEW.source_id AND request = NEW.request AND version = NEW.version) BEGIN SELECT RAISE(ABORT, 'usage_request is append-only'); END;
CREATE TRIGGER guard_witness_update BEFORE UPDATE ON witness BEGIN SELECT RAISE(ABORT, 'witness is append-only'); END;
CREATE TRIGGER guard_witness_delete BEFORE DELETE ON witness BEGIN SELECT RAISE(ABORT, 'witness is append-only'); END;
CREATE TRIGGER guard_witness_insert BEFORE INSERT ON witness WHEN EXISTS (SELECT 1 FROM witness WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM witness WHERE source_id = NEW.source_id AND record_id = NEW.record_id AND reporter = NEW.reporter AND digest = NEW.digest) BEGIN SELECT RAISE(ABORT, 'witness is append-only'); END;
CREATE TRIGGER guard_key_binding_update BEFORE UPDATE ON key_binding BEGIN SELECT RAISE(ABORT, 'key_binding is append-only'); END;
CREATE TRIGGER guard_key_binding_delete BEFORE DELETE ON key_binding BEGIN SELECT RAISE(ABORT, 'key_binding is append-only'); END;
CREATE TRIGGER guard_key_binding_insert BEFORE INSERT ON key_binding WHEN EXISTS (SELECT 1 FROM key_binding WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM key_binding WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'key_binding is append-only'); END;
CREATE TRIGGER guard_batch_update BEFORE UPDATE ON batch BEGIN SELECT RAISE(ABORT, 'batch is append-only'); END;
CREATE INDEX ix_usage_series ON usage (series_id);
CREATE TRIGGER guard_usage_delete BEFORE DELETE ON usage BEGIN SELECT RAISE(ABORT, 'usage is append-only'); END;
CREATE TRIGGER guard_usage_insert BEFORE INSERT ON usage WHEN EXISTS (SELECT 1 FROM usage WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM usage WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM usage WHERE source_id = NEW.source_id AND record_id = NEW.record_id AND version = NEW.version) BEGIN SELECT RAISE(ABORT, 'usage is append-only'); END;
CREATE TRIGGER guard_usage_update BEFORE UPDATE ON usage BEGIN SELECT RAISE(ABORT, 'usage is append-only'); END;
CREATE TRIGGER guard_usage_refers AFTER INSERT ON usage WHEN NOT EXISTS (SELECT 1 FROM source WHERE id = NEW.source_id) OR NOT EXISTS (SELECT 1 FROM series WHERE id = NEW.series_id) OR NOT EXISTS (SELECT 1 FROM batch WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'a row of usage refers to a source, a series or a batch that is not there'); END;
CREATE TRIGGER guard_usage_sum_delete BEFORE DELETE ON usage_sum BEGIN SELECT RAISE(ABORT, 'usage_sum is append-only'); END;
CREATE TRIGGER guard_usage_sum_insert BEFORE INSERT ON usage_sum WHEN EXISTS (SELECT 1 FROM usage_sum WHERE day = NEW.day AND series_id = NEW.series_id AND band = NEW.band AND facts = NEW.facts AND seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'usage_sum is append-only'); END;
CREATE TRIGGER guard_usage_sum_update BEFORE UPDATE ON usage_sum BEGIN SELECT RAISE(ABORT, 'usage_sum is append-only'); END;
CREATE TRIGGER guard_usage_sum_unit_delete BEFORE DELETE ON usage_sum_unit BEGIN SELECT RAISE(ABORT, 'usage_sum_unit is append-only'); END;
CREATE TRIGGER guard_usage_sum_unit_insert BEFORE INSERT ON usage_sum_unit WHEN EXISTS (SELECT 1 FROM usage_sum_unit WHERE day = NEW.day AND series_id = NEW.series_id AND band = NEW.band AND facts = NEW.facts AND seq = NEW.seq AND name = NEW.name) BEGIN SELECT RAISE(ABORT, 'usage_sum_unit is append-only'); END;
CREATE TRIGGER guard_usage_sum_unit_update BEFORE UPDATE ON usage_sum_unit BEGIN SELECT RAISE(ABORT, 'usage_sum_unit is append-only'); END;
CREATE TRIGGER guard_series_month_delete BEFORE DELETE ON series_month BEGIN SELECT RAISE(ABORT, 'series_month is append-only'); END;
CREATE TRIGGER guard_series_month_insert BEFORE INSERT ON series_month WHEN EXISTS (SELECT 1 FROM series_month WHERE month = NEW.month AND series_id = NEW.series_id) BEGIN SELECT RAISE(ABORT, 'series_month is append-only'); END;
CREATE TRIGGER guard_series_month_update BEFORE UPDATE ON series_month BEGIN SELECT RAISE(ABORT, 'series_month is append-only'); END;
CREATE TRIGGER guard_usage_unit_delete BEFORE DELETE ON usage_unit BEGIN SELECT RAISE(ABORT, 'usage_unit is append-only'); END;
CREATE TRIGGER guard_usage_unit_insert BEFORE INSERT ON usage_unit WHEN EXISTS (SELECT 1 FROM usage_unit WHERE usage_id = NEW.usage_id AND name = NEW.name) BEGIN SELECT RAISE(ABORT, 'usage_unit is append-only'); END;
CREATE TRIGGER guard_usage_unit_update BEFORE UPDATE ON usage_unit BEGIN SELECT RAISE(ABORT, 'usage_unit is append-only'); END;

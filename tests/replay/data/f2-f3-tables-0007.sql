BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0007');
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
INSERT INTO "audit" VALUES(1,1790931600000000,'golden','close.started','{"asked":{"grace_seconds":0,"kind":"period","require_approval":false},"period":"2026-09","pins":{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:44e99d8458d1e1e97dd203aaf029110f232e0f7804fd150a3255133e1d10b1bb","f":2,"l":0,"s":1,"time_zones":"2026.6"},"run":1}','sha256:0000000000000000000000000000000000000000000000000000000000000000','sha256:79b30f401fe6a9261cb838a9dab5c6e6258ca7c9655019b58fdf9ff2da4a196e');
INSERT INTO "audit" VALUES(2,1790931600000000,'golden','invoice.issued','{"content_hash":"sha256:733ba5f8198ae5a0b690c9b5297d9a84c56b4ef8f48ec319ff7172e4ab6ba5ec","customer":"acme","id":1,"issued_at":"2026-10-02T09:00:00Z","kind":"period","number":"INV-000001","part":0,"pins_hash":"sha256:2919815f070ed9978ae0386ae63a9db526412c78137f816ee8d5c725403cc5b8","run":1}','sha256:79b30f401fe6a9261cb838a9dab5c6e6258ca7c9655019b58fdf9ff2da4a196e','sha256:f287155fc60ec131c5197487bc0533cf2a03ec08d0d12f3a26173243aee1272d');
INSERT INTO "audit" VALUES(3,1790931600000000,'golden','invoice.issued','{"content_hash":"sha256:99ceaa27029ff6e6fa16827c284c7a8cff2e4680192286031034000b1c6fdacf","customer":"gil","id":2,"issued_at":"2026-10-02T09:00:00Z","kind":"period","number":"INV-000002","part":0,"pins_hash":"sha256:2919815f070ed9978ae0386ae63a9db526412c78137f816ee8d5c725403cc5b8","run":1}','sha256:f287155fc60ec131c5197487bc0533cf2a03ec08d0d12f3a26173243aee1272d','sha256:ffe82dd8f9e3bf4969b7bb8d7eb4c4c7eec83b37d14dc4039f93adedce0671be');
INSERT INTO "audit" VALUES(4,1790931600000000,'golden','close.finished','{"issued":2,"left_over":0,"period":"2026-09","refused":0,"run":1}','sha256:ffe82dd8f9e3bf4969b7bb8d7eb4c4c7eec83b37d14dc4039f93adedce0671be','sha256:040c8de1e961b9f4cc64b5320f737d51d2c2b2577880e01c5c035ee1bd3d604b');
INSERT INTO "audit" VALUES(5,1792486800000000,'golden','close.started','{"asked":{"grace_seconds":0,"kind":"interim","require_approval":false},"period":"2026-10","pins":{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:44e99d8458d1e1e97dd203aaf029110f232e0f7804fd150a3255133e1d10b1bb","f":2,"l":2,"s":2,"time_zones":"2026.6"},"run":2}','sha256:040c8de1e961b9f4cc64b5320f737d51d2c2b2577880e01c5c035ee1bd3d604b','sha256:208a8ab357ecd400cb8bced2f787d6ac5b200f674b17b192bb4386755993faed');
INSERT INTO "audit" VALUES(6,1792486800000000,'golden','invoice.issued','{"content_hash":"sha256:552b1015a7773e1cf54d854059733d70909e9daea23661480631b2e8712c45be","customer":"acme","id":3,"issued_at":"2026-10-20T09:00:00Z","kind":"interim","number":"INV-000003","part":1,"pins_hash":"sha256:c0c4f1fc9161d7fcde923a123b64083511585d9068422382bfd772d3e2c61355","run":2}','sha256:208a8ab357ecd400cb8bced2f787d6ac5b200f674b17b192bb4386755993faed','sha256:ca836aabb3d2de3631558350428a3b599e1328c53af755c5714f1c519b9c2993');
INSERT INTO "audit" VALUES(7,1792486800000000,'golden','close.finished','{"issued":1,"left_over":7,"period":"2026-10","refused":0,"run":2}','sha256:ca836aabb3d2de3631558350428a3b599e1328c53af755c5714f1c519b9c2993','sha256:507a55e1fafdb733f0dc1f53fee215bcf2e50cae4cc009cb80fe7efd01f6f64e');
INSERT INTO "audit" VALUES(8,1793610000000000,'golden','binding.added','{"customer":"dora","source":null,"user":"kim","valid_from":"2026-10-01T12:00:00Z"}','sha256:507a55e1fafdb733f0dc1f53fee215bcf2e50cae4cc009cb80fe7efd01f6f64e','sha256:885a06124ac0c8bb0bd24a8bdcf362d65643e1094c46853ec07aded9cc599ea8');
INSERT INTO "audit" VALUES(9,1793610000000000,'rita','review.approved','{"content_hash":"sha256:cdbc18f647a6343dc34c6526885dd9d105f1a4e2540630f023f6fd6b850219a0","customer":"dora","note":"as agreed","period":"2026-10"}','sha256:885a06124ac0c8bb0bd24a8bdcf362d65643e1094c46853ec07aded9cc599ea8','sha256:07f68f2cc67dd81e71587ac8758713430e195348d296bd7fc2ea7ef9aeb4c7da');
INSERT INTO "audit" VALUES(10,1793610000000000,'golden','close.started','{"asked":{"grace_seconds":0,"kind":"period","require_approval":false},"period":"2026-10","pins":{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:6555d5fc3684c3ce07e073e33404a7b26eb0bef9432a0671b32440778c20b3da","f":2,"l":3,"s":4,"time_zones":"2026.6"},"run":3}','sha256:07f68f2cc67dd81e71587ac8758713430e195348d296bd7fc2ea7ef9aeb4c7da','sha256:b801e16b995ff1bfad08065655073b0986e9710f36a796e4083afe722e0781d6');
INSERT INTO "audit" VALUES(11,1793610000000000,'golden','invoice.issued','{"content_hash":"sha256:9d16f105f318339af746f8baf81fb33d8ad12398b2594d2c770de9903b874b80","customer":"acme","id":4,"issued_at":"2026-11-02T09:00:00Z","kind":"period","number":"INV-000004","part":0,"pins_hash":"sha256:d82ae345320c2a483776bd5f1cc1f44618d52eb17aa3e68f346ed57bb790b8f9","run":3}','sha256:b801e16b995ff1bfad08065655073b0986e9710f36a796e4083afe722e0781d6','sha256:83780952de2770202d145e4da5f55b3b08a0e759969a9e411ff49f94d4d92ace');
INSERT INTO "audit" VALUES(12,1793610000000000,'golden','invoice.issued','{"content_hash":"sha256:cdbc18f647a6343dc34c6526885dd9d105f1a4e2540630f023f6fd6b850219a0","customer":"dora","id":5,"issued_at":"2026-11-02T09:00:00Z","kind":"period","number":"INV-000005","part":0,"pins_hash":"sha256:d82ae345320c2a483776bd5f1cc1f44618d52eb17aa3e68f346ed57bb790b8f9","run":3}','sha256:83780952de2770202d145e4da5f55b3b08a0e759969a9e411ff49f94d4d92ace','sha256:6faa09aa1eda4493e270537ba50a9611a3c8d2d6b83b30b1a30b7540734d7ba2');
INSERT INTO "audit" VALUES(13,1793610000000000,'golden','invoice.issued','{"content_hash":"sha256:857188eb99e4422ae40a2947dd19b2c3497f3a6e4bc841401cae267a9be6deca","customer":"eve","id":6,"issued_at":"2026-11-02T09:00:00Z","kind":"period","number":"INV-000006","part":0,"pins_hash":"sha256:d82ae345320c2a483776bd5f1cc1f44618d52eb17aa3e68f346ed57bb790b8f9","run":3}','sha256:6faa09aa1eda4493e270537ba50a9611a3c8d2d6b83b30b1a30b7540734d7ba2','sha256:197cf601b1a158b4b0551ce08496a52c1c924dd221bade89256d438db75a6828');
INSERT INTO "audit" VALUES(14,1793610000000000,'golden','invoice.issued','{"content_hash":"sha256:f36b859b28c53b78360cde489acda2331f088fbcc8448b6ff875d4a7fb5f186f","customer":"gil","id":7,"issued_at":"2026-11-02T09:00:00Z","kind":"period","number":"INV-000007","part":0,"pins_hash":"sha256:d82ae345320c2a483776bd5f1cc1f44618d52eb17aa3e68f346ed57bb790b8f9","run":3}','sha256:197cf601b1a158b4b0551ce08496a52c1c924dd221bade89256d438db75a6828','sha256:5915bad07247865af30cbd9de5d04ea804906c4392d2d48692c540dd76461f56');
INSERT INTO "audit" VALUES(15,1793610000000000,'golden','invoice.issued','{"content_hash":"sha256:cb70eae5ae90845c184cbbb1e3981edf37a90da405861808cb5df923c63d10dd","customer":"hana","id":8,"issued_at":"2026-11-02T09:00:00Z","kind":"period","number":"INV-000008","part":0,"pins_hash":"sha256:d82ae345320c2a483776bd5f1cc1f44618d52eb17aa3e68f346ed57bb790b8f9","run":3}','sha256:5915bad07247865af30cbd9de5d04ea804906c4392d2d48692c540dd76461f56','sha256:99fa1aafc3b44acbe07b8bc513958fa90c83eaaaf31545a48de18b3815d20b66');
INSERT INTO "audit" VALUES(16,1793610000000000,'golden','invoice.issued','{"content_hash":"sha256:e44796ab852e483826f4e9a282399589d808d985a2bbce5e7349ed95721afc92","customer":"koi","id":9,"issued_at":"2026-11-02T09:00:00Z","kind":"period","number":"INV-000009","part":0,"pins_hash":"sha256:d82ae345320c2a483776bd5f1cc1f44618d52eb17aa3e68f346ed57bb790b8f9","run":3}','sha256:99fa1aafc3b44acbe07b8bc513958fa90c83eaaaf31545a48de18b3815d20b66','sha256:86b4d680940fe5ce80e433ff447fed23da9d118f93ab53162f9f3fbf85348495');
INSERT INTO "audit" VALUES(17,1793610000000000,'golden','invoice.issued','{"content_hash":"sha256:95f270a3a62f159866d19765373d9513e28044c720f5e84b258a6e3b1d1cc88a","customer":"oasis","id":10,"issued_at":"2026-11-02T09:00:00Z","kind":"period","number":"INV-000010","part":0,"pins_hash":"sha256:d82ae345320c2a483776bd5f1cc1f44618d52eb17aa3e68f346ed57bb790b8f9","run":3}','sha256:86b4d680940fe5ce80e433ff447fed23da9d118f93ab53162f9f3fbf85348495','sha256:b95149816cf4acd0c42183166bb65b38b7fce0d6f2815e704498f9c032060bdf');
INSERT INTO "audit" VALUES(18,1793610000000000,'golden','close.finished','{"issued":7,"left_over":0,"period":"2026-10","refused":0,"run":3}','sha256:b95149816cf4acd0c42183166bb65b38b7fce0d6f2815e704498f9c032060bdf','sha256:1485d52eb322e7de1143aa9700eb1aa8795067dd994b908a62cb4e0fe664ea91');
INSERT INTO "audit" VALUES(19,1793610000000000,'golden','customer.set','{"customer":"dora","name":"Dora","stripe_customer":"cus_43de3a417d75f4818c5a5532"}','sha256:1485d52eb322e7de1143aa9700eb1aa8795067dd994b908a62cb4e0fe664ea91','sha256:2babe958fb29af89768d74da04cf1a486c46907a5aaf2712842b494c6948e591');
INSERT INTO "audit" VALUES(20,1793610000000000,'golden','push.finished','{"account":"acct_standin","period":"2026-10","rejected":[],"sent":3,"unchanged":0,"unknown":[],"unlinked":["acme","gil","hana","koi"]}','sha256:2babe958fb29af89768d74da04cf1a486c46907a5aaf2712842b494c6948e591','sha256:41c84a67ca000b4c268e1c149774883c91b5484f2aa2d872c91f4bf52efd7234');
INSERT INTO "audit" VALUES(21,1794733200000000,'rita','revision.accepted','{"digest":"b21197c81538e13aae69212a84dd22c6","reason":"final","record_id":"n1","seq":7,"source":"arouter"}','sha256:41c84a67ca000b4c268e1c149774883c91b5484f2aa2d872c91f4bf52efd7234','sha256:a683236ed9792b369db888b883454d9702f36ca80544a36a05c56cbb56d068d0');
INSERT INTO "audit" VALUES(22,1794733200000000,'rita','revision.rejected','{"digest":"958d790aa45d7d70349410f7b29b6bcd","reason":"an error","record_id":"n2","source":"arouter"}','sha256:a683236ed9792b369db888b883454d9702f36ca80544a36a05c56cbb56d068d0','sha256:9161d6b22c03ab492939972dba7d1bdf23d4a1bed5d3c3ec337d0bce90fd4956');
INSERT INTO "audit" VALUES(23,1794733200000000,'rita','usage.waived','{"reason":"failed","record_id":"image","seq":8,"source":"arouter"}','sha256:9161d6b22c03ab492939972dba7d1bdf23d4a1bed5d3c3ec337d0bce90fd4956','sha256:ddcc12f9020a76f6bc5c79971f147af437ef876dd1936b3c530735679cdf6127');
INSERT INTO "audit" VALUES(24,1794733200000000,'rita','usage.waived','{"reason":"failed","record_id":"none","seq":9,"source":"arouter"}','sha256:ddcc12f9020a76f6bc5c79971f147af437ef876dd1936b3c530735679cdf6127','sha256:acd8b8951d34491abdea12ebc677aab812f0a3b134b721b80d645fa35d56ece1');
INSERT INTO "audit" VALUES(25,1794733200000000,'rita','quarantine.discarded','{"lines":["d9bfa0a884fb76c4e13d1268c718022f:4"],"reason":"a test"}','sha256:acd8b8951d34491abdea12ebc677aab812f0a3b134b721b80d645fa35d56ece1','sha256:b3b9d707a3f2c02e1a7b099bba174b1504155917407826f7537787c1f92cc18f');
INSERT INTO "audit" VALUES(26,1796202000000000,'golden','close.started','{"asked":{"grace_seconds":0,"kind":"period","require_approval":false},"period":"2026-11","pins":{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:6555d5fc3684c3ce07e073e33404a7b26eb0bef9432a0671b32440778c20b3da","f":3,"l":10,"s":10,"time_zones":"2026.6"},"pricing":{"contract_set":"sha256:6555d5fc3684c3ce07e073e33404a7b26eb0bef9432a0671b32440778c20b3da","folder":".","is_shipped":false},"run":4}','sha256:b3b9d707a3f2c02e1a7b099bba174b1504155917407826f7537787c1f92cc18f','sha256:86b9f5f8e0fc4751e8f88c6a4dd60c2f953211985f1bf8ca08286c46bde36f63');
INSERT INTO "audit" VALUES(27,1796202000000000,'golden','invoice.issued','{"content_hash":"sha256:318def2c27304e30d1c812e3c30c70b7ab2ad165708de5c456942139fe6620fc","customer":"acme","id":11,"issued_at":"2026-12-02T09:00:00Z","kind":"period","number":"INV-000011","part":0,"pins_hash":"sha256:3aa8cb71a885c8b4c01353e18d85a9ac0ce3af812374d50fbf86319465b1885a","run":4}','sha256:86b9f5f8e0fc4751e8f88c6a4dd60c2f953211985f1bf8ca08286c46bde36f63','sha256:b817f971f0adbf5a06968d9c56942e5da13502d4cda7f11f5bd4b6bab237921a');
INSERT INTO "audit" VALUES(28,1796202000000000,'golden','invoice.issued','{"content_hash":"sha256:b04472b1cd08832453d159674038a5ad091b6edc981efe854f517669a0965cf1","customer":"dora","id":12,"issued_at":"2026-12-02T09:00:00Z","kind":"period","number":"INV-000012","part":0,"pins_hash":"sha256:3aa8cb71a885c8b4c01353e18d85a9ac0ce3af812374d50fbf86319465b1885a","run":4}','sha256:b817f971f0adbf5a06968d9c56942e5da13502d4cda7f11f5bd4b6bab237921a','sha256:abab4caba08d6b65037aa8581a15b50fa84a1379d7b1c37313f48495e396bb2b');
INSERT INTO "audit" VALUES(29,1796202000000000,'golden','invoice.issued','{"content_hash":"sha256:9166efd4dde3e8e908ad627954e4cb0b220893ae3a3c52fc4fe64e08ee0a1c4e","customer":"gil","id":13,"issued_at":"2026-12-02T09:00:00Z","kind":"period","number":"INV-000013","part":0,"pins_hash":"sha256:3aa8cb71a885c8b4c01353e18d85a9ac0ce3af812374d50fbf86319465b1885a","run":4}','sha256:abab4caba08d6b65037aa8581a15b50fa84a1379d7b1c37313f48495e396bb2b','sha256:5a4a8183639b98d90d3917f5915a2937ef018c73285121de5541e799f2b50c6a');
INSERT INTO "audit" VALUES(30,1796202000000000,'golden','invoice.issued','{"content_hash":"sha256:434812da43b826dc23c17c521ff125088246ed31e7cad92ad04685d65066cbc4","customer":"hana","id":14,"issued_at":"2026-12-02T09:00:00Z","kind":"period","number":"INV-000014","part":0,"pins_hash":"sha256:3aa8cb71a885c8b4c01353e18d85a9ac0ce3af812374d50fbf86319465b1885a","run":4}','sha256:5a4a8183639b98d90d3917f5915a2937ef018c73285121de5541e799f2b50c6a','sha256:1cca65092550bdf56a30b87b35638096c926b5aa071660ba233a9b9c5b141f47');
INSERT INTO "audit" VALUES(31,1796202000000000,'golden','invoice.issued','{"content_hash":"sha256:46a2b1bc77269c1feef02801e5e066cddf0ac3729539c8e02caa16f2b3eaae52","customer":"oasis","id":15,"issued_at":"2026-12-02T09:00:00Z","kind":"period","number":"INV-000015","part":0,"pins_hash":"sha256:3aa8cb71a885c8b4c01353e18d85a9ac0ce3af812374d50fbf86319465b1885a","run":4}','sha256:1cca65092550bdf56a30b87b35638096c926b5aa071660ba233a9b9c5b141f47','sha256:53033c546094d2c097383b353d278371c0df652b5ee914ffb95924b27cf51fc4');
INSERT INTO "audit" VALUES(32,1796202000000000,'golden','close.finished','{"issued":5,"left_over":0,"period":"2026-11","refused":0,"run":4}','sha256:53033c546094d2c097383b353d278371c0df652b5ee914ffb95924b27cf51fc4','sha256:ede4252dc1d99e59147f52d809d70157c437785e62cd221f2a694435af44fe70');
INSERT INTO "audit" VALUES(33,1796202000000000,'rita','invoice.voided','{"number":"INV-000014","reason":"a test"}','sha256:ede4252dc1d99e59147f52d809d70157c437785e62cd221f2a694435af44fe70','sha256:6e471535b5146663fad1fc2fa9e7fd6ce8b01d0ab9822dd92d7b6654afe0b631');
INSERT INTO "audit" VALUES(34,1796202000000000,'golden','close.started','{"asked":{"grace_seconds":0,"kind":"period","require_approval":false},"period":"2026-11","pins":{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:6555d5fc3684c3ce07e073e33404a7b26eb0bef9432a0671b32440778c20b3da","f":3,"l":16,"s":10,"time_zones":"2026.6"},"pricing":{"contract_set":"sha256:6555d5fc3684c3ce07e073e33404a7b26eb0bef9432a0671b32440778c20b3da","folder":".","is_shipped":false},"run":5}','sha256:6e471535b5146663fad1fc2fa9e7fd6ce8b01d0ab9822dd92d7b6654afe0b631','sha256:68d5566c6180f67422c23ea0fc8735e1cc7bfccda7bd1cff9237b35c8fba726a');
INSERT INTO "audit" VALUES(35,1796202000000000,'golden','invoice.issued','{"content_hash":"sha256:434812da43b826dc23c17c521ff125088246ed31e7cad92ad04685d65066cbc4","customer":"hana","id":16,"issued_at":"2026-12-02T09:00:00Z","kind":"period","number":"INV-000016","part":0,"pins_hash":"sha256:27ea393ac6d3c4e2952ad37c192bd5358f4b1d84be2e8e7ab83b614e2c0fdcd6","run":5}','sha256:68d5566c6180f67422c23ea0fc8735e1cc7bfccda7bd1cff9237b35c8fba726a','sha256:93b7abafed503f16e2e2586bdf5ff001067fe94949e7f6bd7e1d725265ed7fc1');
INSERT INTO "audit" VALUES(36,1796202000000000,'golden','close.finished','{"issued":1,"left_over":0,"period":"2026-11","refused":0,"run":5}','sha256:93b7abafed503f16e2e2586bdf5ff001067fe94949e7f6bd7e1d725265ed7fc1','sha256:0315dc9bf112c1b0c4652df89a636433e5d7069b853e5d551a368e307e6f8666');
CREATE TABLE batch (
	seq INTEGER NOT NULL, 
	label TEXT NOT NULL, 
	recorded_at INTEGER NOT NULL, 
	accepted INTEGER NOT NULL, 
	duplicates INTEGER NOT NULL, 
	revisions INTEGER NOT NULL, 
	quarantined INTEGER NOT NULL, first_at INTEGER, last_at INTEGER, 
	CONSTRAINT pk_batch PRIMARY KEY (seq)
)
 STRICT

;
INSERT INTO "batch" VALUES(1,'python',1790931600000000,1,0,0,0,1789387200000000,1789387200000000);
INSERT INTO "batch" VALUES(2,'python',1792486800000000,7,0,0,0,1790942400000000,1791374400000000);
INSERT INTO "batch" VALUES(3,'october',1793610000000000,18,0,0,0,1791201600000000,1793188800000000);
INSERT INTO "batch" VALUES(4,'again',1793610000000000,0,0,1,0,NULL,NULL);
INSERT INTO "batch" VALUES(5,'decided',1794733200000000,3,0,0,1,1793534400000000,1793707200000000);
INSERT INTO "batch" VALUES(6,'python',1794733200000000,0,0,2,0,NULL,NULL);
INSERT INTO "batch" VALUES(7,'revision of arouter n1',1794733200000000,1,0,0,0,1793534400000000,1793534400000000);
INSERT INTO "batch" VALUES(8,'waiver of arouter image',1794733200000000,0,0,0,0,NULL,NULL);
INSERT INTO "batch" VALUES(9,'waiver of arouter none',1794733200000000,0,0,0,0,NULL,NULL);
INSERT INTO "batch" VALUES(10,'python',1795165200000000,6,0,0,0,1794398400000000,1795089600000000);
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
INSERT INTO "binding" VALUES(1,'kim','dora',1790856000000000,NULL,1793610000000000);
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
INSERT INTO "close_run" VALUES(1,'2026-09','done',1,'{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:44e99d8458d1e1e97dd203aaf029110f232e0f7804fd150a3255133e1d10b1bb","f":2,"l":0,"s":1,"time_zones":"2026.6"}',1790931600000000,1790931600000000,'{"grace_seconds":0,"kind":"period","require_approval":false}',0);
INSERT INTO "close_run" VALUES(2,'2026-10','done',1,'{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:44e99d8458d1e1e97dd203aaf029110f232e0f7804fd150a3255133e1d10b1bb","f":2,"l":2,"s":2,"time_zones":"2026.6"}',1792486800000000,1792486800000000,'{"grace_seconds":0,"kind":"interim","require_approval":false}',7);
INSERT INTO "close_run" VALUES(3,'2026-10','done',1,'{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:6555d5fc3684c3ce07e073e33404a7b26eb0bef9432a0671b32440778c20b3da","f":2,"l":3,"s":4,"time_zones":"2026.6"}',1793610000000000,1793610000000000,'{"grace_seconds":0,"kind":"period","require_approval":false}',0);
INSERT INTO "close_run" VALUES(4,'2026-11','done',1,'{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:6555d5fc3684c3ce07e073e33404a7b26eb0bef9432a0671b32440778c20b3da","f":3,"l":10,"s":10,"time_zones":"2026.6"}',1796202000000000,1796202000000000,'{"grace_seconds":0,"kind":"period","require_approval":false}',0);
INSERT INTO "close_run" VALUES(5,'2026-11','done',1,'{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:6555d5fc3684c3ce07e073e33404a7b26eb0bef9432a0671b32440778c20b3da","f":3,"l":16,"s":10,"time_zones":"2026.6"}',1796202000000000,1796202000000000,'{"grace_seconds":0,"kind":"period","require_approval":false}',0);
CREATE TABLE counter (
	name TEXT NOT NULL, 
	value INTEGER NOT NULL, 
	CONSTRAINT pk_counter PRIMARY KEY (name)
)
 STRICT

;
INSERT INTO "counter" VALUES('batch',10);
INSERT INTO "counter" VALUES('binding',1);
INSERT INTO "counter" VALUES('review',1);
INSERT INTO "counter" VALUES('audit',36);
INSERT INTO "counter" VALUES('invoice',16);
INSERT INTO "counter" VALUES('document',17);
CREATE TABLE coverage (
	invoice_id INTEGER NOT NULL, 
	series_id INTEGER NOT NULL, 
	starts_at INTEGER NOT NULL, 
	ends_at INTEGER NOT NULL, 
	seq_after INTEGER NOT NULL, 
	seq_upto INTEGER NOT NULL, 
	member TEXT, 
	CONSTRAINT pk_coverage PRIMARY KEY (invoice_id, series_id, starts_at, seq_after), 
	CONSTRAINT fk_coverage_invoice FOREIGN KEY(invoice_id) REFERENCES invoice (id), 
	CONSTRAINT fk_coverage_series FOREIGN KEY(series_id) REFERENCES series (id), 
	CONSTRAINT ck_coverage_time CHECK (starts_at < ends_at), 
	CONSTRAINT ck_coverage_seq CHECK (seq_after < seq_upto)
)
 STRICT

;
INSERT INTO "coverage" VALUES(1,1,1788213600000000,1790805600000000,0,1,NULL);
INSERT INTO "coverage" VALUES(3,1,1790805600000000,1793487600000000,0,2,NULL);
INSERT INTO "coverage" VALUES(3,2,1790805600000000,1793487600000000,0,2,NULL);
INSERT INTO "coverage" VALUES(3,3,1790805600000000,1793487600000000,0,2,NULL);
INSERT INTO "coverage" VALUES(3,4,1790805600000000,1793487600000000,0,2,NULL);
INSERT INTO "coverage" VALUES(4,1,1790805600000000,1793487600000000,0,4,NULL);
INSERT INTO "coverage" VALUES(4,2,1790805600000000,1793487600000000,0,4,NULL);
INSERT INTO "coverage" VALUES(4,3,1790805600000000,1793487600000000,0,4,NULL);
INSERT INTO "coverage" VALUES(4,4,1790805600000000,1793487600000000,0,4,NULL);
INSERT INTO "coverage" VALUES(4,5,1790805600000000,1793487600000000,0,4,'acme lab');
INSERT INTO "coverage" VALUES(4,6,1790805600000000,1793487600000000,0,4,'acme lab');
INSERT INTO "coverage" VALUES(4,7,1790805600000000,1793487600000000,0,4,NULL);
INSERT INTO "coverage" VALUES(4,8,1790805600000000,1793487600000000,0,4,NULL);
INSERT INTO "coverage" VALUES(5,11,1790812800000000,1793491200000000,0,4,NULL);
INSERT INTO "coverage" VALUES(6,14,1790812800000000,1793491200000000,0,4,NULL);
INSERT INTO "coverage" VALUES(7,12,1790812800000000,1793491200000000,0,4,NULL);
INSERT INTO "coverage" VALUES(8,13,1790812800000000,1793491200000000,0,4,NULL);
INSERT INTO "coverage" VALUES(9,9,1790812800000000,1793491200000000,0,4,NULL);
INSERT INTO "coverage" VALUES(10,10,1790812800000000,1793491200000000,0,4,NULL);
INSERT INTO "coverage" VALUES(12,11,1793491200000000,1796083200000000,0,10,NULL);
INSERT INTO "coverage" VALUES(12,15,1793491200000000,1796083200000000,0,10,NULL);
INSERT INTO "coverage" VALUES(13,12,1793491200000000,1796083200000000,0,10,NULL);
INSERT INTO "coverage" VALUES(14,13,1793491200000000,1796083200000000,0,10,NULL);
INSERT INTO "coverage" VALUES(16,13,1793491200000000,1796083200000000,0,10,NULL);
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
INSERT INTO "customer" VALUES('dora','Dora','cus_43de3a417d75f4818c5a5532',1793610000000000);
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
INSERT INTO "document_event" VALUES(1,1,'issued',1790931600000000,'golden','');
INSERT INTO "document_event" VALUES(2,2,'issued',1790931600000000,'golden','');
INSERT INTO "document_event" VALUES(3,3,'issued',1792486800000000,'golden','');
INSERT INTO "document_event" VALUES(4,4,'issued',1793610000000000,'golden','');
INSERT INTO "document_event" VALUES(5,5,'issued',1793610000000000,'golden','');
INSERT INTO "document_event" VALUES(6,6,'issued',1793610000000000,'golden','');
INSERT INTO "document_event" VALUES(7,7,'issued',1793610000000000,'golden','');
INSERT INTO "document_event" VALUES(8,8,'issued',1793610000000000,'golden','');
INSERT INTO "document_event" VALUES(9,9,'issued',1793610000000000,'golden','');
INSERT INTO "document_event" VALUES(10,10,'issued',1793610000000000,'golden','');
INSERT INTO "document_event" VALUES(11,11,'issued',1796202000000000,'golden','');
INSERT INTO "document_event" VALUES(12,12,'issued',1796202000000000,'golden','');
INSERT INTO "document_event" VALUES(13,13,'issued',1796202000000000,'golden','');
INSERT INTO "document_event" VALUES(14,14,'issued',1796202000000000,'golden','');
INSERT INTO "document_event" VALUES(15,15,'issued',1796202000000000,'golden','');
INSERT INTO "document_event" VALUES(16,14,'void',1796202000000000,'rita','a test');
INSERT INTO "document_event" VALUES(17,16,'issued',1796202000000000,'golden','');
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
	close_run_id INTEGER NOT NULL, kind TEXT DEFAULT 'period' NOT NULL CONSTRAINT ck_invoice_kind CHECK (kind IN ('period', 'interim')), part INTEGER DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_invoice PRIMARY KEY (id), 
	CONSTRAINT uq_invoice_number UNIQUE (number), 
	CONSTRAINT fk_invoice_close_run FOREIGN KEY(close_run_id) REFERENCES close_run (id), 
	CONSTRAINT ck_invoice_status CHECK (status IN ('issued', 'void')), 
	CONSTRAINT ck_invoice_total CHECK (total_minor = subtotal_minor + tax_minor)
)
 STRICT

;
INSERT INTO "invoice" VALUES(1,'INV-000001','acme','2026-09','issued','USD',200,0,200,CAST('{"cost":null,"currency":"USD","customer":"acme","daily":[{"day":"2026-09-14","exact_amount":"2","requests":1}],"due":"0.00","items":[{"amount":"-2.00","kind":"credit","name":"goodwill","of":"12.50"}],"lines":[{"amount":"2.00","description":"acme/large","exact_amount":"2","kind":"usage","list_amount":"5.1","mode":"standard","model":"acme/large","parts":[{"exact_amount":"2","fx":"1","multiplier":"1","quantities":{"input":1500000,"output":40000},"requests":1,"rule_tier":"up to 5,000,000","steps":[{"amount":"1.4","kind":"rate","name":"input","per":1000000,"quantity":500000,"rate":"2.8"},{"amount":"0.6","kind":"rate","name":"output","per":1000000,"quantity":40000,"rate":"15"},{"amount":"0","kind":"included","name":"input","per":1,"quantity":1000000,"rate":"0"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":1500000,"output":40000},"requests":1,"rule":"large by volume used","rule_contract":"customer acme","rule_hash":"sha256:a19727f0cfd07ef8f75c308ca9f2452f97622368f2dd51d899f7511dc5f63d85"}],"missing":[],"period":"2026-09","period_end":"2026-09-30T22:00:00Z","period_start":"2026-08-31T22:00:00Z","requests_without_cost":1,"subtotal":"2.00","tax":"0.00","total":"2.00","unpriced":[]}' AS BLOB),'sha256:733ba5f8198ae5a0b690c9b5297d9a84c56b4ef8f48ec319ff7172e4ab6ba5ec','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:44e99d8458d1e1e97dd203aaf029110f232e0f7804fd150a3255133e1d10b1bb","f":2,"l":0,"s":1,"time_zones":"2026.6"}',1790931600000000,1,'period',0);
INSERT INTO "invoice" VALUES(2,'INV-000002','gil','2026-09','issued','USD',2000,380,2380,CAST('{"cost":null,"currency":"USD","customer":"gil","daily":[],"due":"23.80","items":[{"amount":"20.00","kind":"minimum","name":"minimum commitment","of":"20.00"},{"amount":"3.80","kind":"tax","name":"VAT","of":"20.00","percent":"19"}],"lines":[],"missing":[],"period":"2026-09","period_end":"2026-10-01T00:00:00Z","period_start":"2026-09-01T00:00:00Z","requests_without_cost":0,"subtotal":"0.00","tax":"3.80","total":"23.80","unpriced":[]}' AS BLOB),'sha256:99ceaa27029ff6e6fa16827c284c7a8cff2e4680192286031034000b1c6fdacf','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:44e99d8458d1e1e97dd203aaf029110f232e0f7804fd150a3255133e1d10b1bb","f":2,"l":0,"s":1,"time_zones":"2026.6"}',1790931600000000,1,'period',0);
INSERT INTO "invoice" VALUES(3,'INV-000003','acme','2026-10','issued','USD',2662,546,3208,CAST('{"cost":"15.8011","currency":"USD","customer":"acme","daily":[{"day":"2026-10-02","exact_amount":"8.6","requests":1},{"day":"2026-10-03","exact_amount":"8.05","requests":1},{"day":"2026-10-04","exact_amount":"0.002","requests":1},{"day":"2026-10-05","exact_amount":"0.004","requests":2},{"day":"2026-10-06","exact_amount":"0.55","requests":1},{"day":"2026-10-07","exact_amount":"0.41","requests":1}],"due":"0.00","items":[{"amount":"5.06","kind":"tax","name":"VAT","of":"26.62","percent":"19"},{"amount":"0.40","kind":"tax","name":"city levy","of":"26.62","percent":"1.5"},{"amount":"-10.50","kind":"credit","name":"goodwill","of":"10.50"},{"amount":"-21.58","kind":"credit","name":"prepaid 2026","of":"100.00"}],"kind":"interim","lines":[{"amount":"0.00","description":"acme/image","exact_amount":"0.002","kind":"usage","list_amount":"6.502","mode":"standard","model":"acme/image","parts":[{"exact_amount":"0.002","fx":"1","multiplier":"1","quantities":{"image":130,"input":2000},"requests":1,"steps":[{"amount":"0.002","kind":"rate","name":"input","per":1000000,"quantity":2000,"rate":"1"}],"tier":null,"window":null}],"price_entry":"sha256:aaf40edcb1cea831b36b9c8a230826ddb63362e3b998f26f6e5310c20c1c73be","quantities":{"image":130,"input":2000},"requests":1,"rule":"images by the hundred","rule_contract":"customer acme","rule_hash":"sha256:90001113956b5adecce236e1bf91fe206984b39819fe0187f5cb2fd8d01ca115"},{"amount":"16.65","description":"acme/large","exact_amount":"16.65","kind":"usage","list_amount":"20.55","mode":"standard","model":"acme/large","parts":[{"exact_amount":"16.65","fx":"1","multiplier":"1","quantities":{"cache_read":1000000,"input":5500000,"output":250000},"requests":2,"rule_tier":"up to 5,000,000","steps":[{"amount":"12.6","kind":"rate","name":"input","per":1000000,"quantity":4500000,"rate":"2.8"},{"amount":"0.3","kind":"rate","name":"cache_read","per":1000000,"quantity":1000000,"rate":"0.3"},{"amount":"3.75","kind":"rate","name":"output","per":1000000,"quantity":250000,"rate":"15"},{"amount":"0","kind":"included","name":"input","per":1,"quantity":1000000,"rate":"0"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"cache_read":1000000,"input":5500000,"output":250000},"requests":2,"rule":"large by volume used","rule_contract":"customer acme","rule_hash":"sha256:a19727f0cfd07ef8f75c308ca9f2452f97622368f2dd51d899f7511dc5f63d85"},{"amount":"0.01","description":"acme/small","exact_amount":"0.004","kind":"usage","list_amount":"0.001314","mode":"standard","model":"acme/small","parts":[{"exact_amount":"0.004","fx":"1","multiplier":"1","quantities":{"input":9100,"output":1010},"requests":2,"steps":[{"amount":"0.00091","kind":"rate","name":"input","per":1000000,"quantity":9100,"rate":"0.1"},{"amount":"0.000404","kind":"rate","name":"output","per":1000000,"quantity":1010,"rate":"0.4"},{"amount":"0.000657","kind":"markup","name":"default","of_amount":"0.001314","percent":"50"},{"amount":"0.002029","kind":"credits","name":"spark","per":1,"quantity":2,"rate":"0.002"}],"tier":null,"window":null}],"price_entry":"sha256:d66a88afd077bb68d6ae374c38c69402b3c1d0596375325c98825de1ff012243","quantities":{"input":9100,"output":1010},"requests":2,"rule":"small in sparks","rule_contract":"customer acme","rule_hash":"sha256:5f5f5870a64a76388fd3d33d58861839dbad691bce96152a58862228a545cc6b"},{"amount":"0.96","description":"acme/thin","exact_amount":"0.96","kind":"usage","list_amount":"0.82","mode":"standard","model":"acme/thin","parts":[{"exact_amount":"0.96","fx":"1","multiplier":"1","quantities":{"input":800000,"output":20000},"requests":2,"steps":[{"amount":"0.8","kind":"rate","name":"input","per":1000000,"quantity":800000,"rate":"1"},{"amount":"0.02","kind":"rate","name":"output","per":1000000,"quantity":20000,"rate":"1"},{"amount":"0.14","kind":"margin","name":"floor","percent":"10"}],"tier":null,"window":null}],"price_entry":"sha256:8144d7a1e124218b514333e1eec7940e4a7dd2851341d38c26bebe5a7cd71c55","quantities":{"input":800000,"output":20000},"requests":2,"rule":"never below cost","rule_contract":"customer acme","rule_hash":"sha256:bb5df5b2609dd56c19411765209494ef51414eea7f48f743856914e34c1c3bda"},{"amount":"9.00","charge":{"name":"image","quantity":2,"rate":"4.5","size":100,"units":130},"description":"image, packages of 100","exact_amount":"9","kind":"package","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":"images by the hundred","rule_contract":"customer acme","rule_hash":"sha256:90001113956b5adecce236e1bf91fe206984b39819fe0187f5cb2fd8d01ca115"}],"missing":[],"period":"2026-10","period_end":"2026-10-31T23:00:00Z","period_start":"2026-09-30T22:00:00Z","requests_without_cost":0,"subtotal":"26.62","tax":"5.46","total":"32.08","unpriced":[]}' AS BLOB),'sha256:552b1015a7773e1cf54d854059733d70909e9daea23661480631b2e8712c45be','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:44e99d8458d1e1e97dd203aaf029110f232e0f7804fd150a3255133e1d10b1bb","f":2,"l":2,"s":2,"time_zones":"2026.6"}',1792486800000000,2,'interim',1);
INSERT INTO "invoice" VALUES(4,'INV-000004','acme','2026-10','issued','USD',27338,5604,32942,CAST('{"cost":"39.3011","currency":"USD","customer":"acme","daily":[{"day":"2026-10-02","exact_amount":"8.6","requests":1},{"day":"2026-10-03","exact_amount":"8.05","requests":1},{"day":"2026-10-04","exact_amount":"0.002","requests":1},{"day":"2026-10-05","exact_amount":"0.004","requests":2},{"day":"2026-10-06","exact_amount":"0.55","requests":1},{"day":"2026-10-07","exact_amount":"0.41","requests":1},{"day":"2026-10-22","exact_amount":"10.775","requests":1},{"day":"2026-10-23","exact_amount":"6.84","requests":2},{"day":"2026-10-24","exact_amount":"0","requests":1},{"day":"2026-10-25","exact_amount":"0.2","requests":1},{"day":"2026-10-26","exact_amount":"0.065","requests":1}],"due":"51.00","items":[{"amount":"-18.78","kind":"coupon","name":"launch-10","of":"187.75","percent":"10"},{"amount":"-5.00","kind":"coupon","name":"sorry","of":"168.97"},{"amount":"136.03","kind":"minimum","name":"committed spend","of":"300.00"},{"amount":"-26.62","kind":"invoiced","name":"interim invoice 1"},{"amount":"51.94","invoiced":"5.06","kind":"tax","name":"VAT","of":"300.00","percent":"19"},{"amount":"4.10","invoiced":"0.40","kind":"tax","name":"city levy","of":"300.00","percent":"1.5"},{"amount":"-78.42","kind":"credit","name":"prepaid 2026","of":"78.42"},{"amount":"-200.00","kind":"credit","name":"sparks","of":"200.00"}],"lines":[{"amount":"0.00","description":"acme/image","exact_amount":"0.002","kind":"usage","list_amount":"10.252","mode":"standard","model":"acme/image","parts":[{"exact_amount":"0.002","fx":"1","multiplier":"1","quantities":{"image":205,"input":2000},"requests":2,"steps":[{"amount":"0.002","kind":"rate","name":"input","per":1000000,"quantity":2000,"rate":"1"}],"tier":null,"window":null}],"price_entry":"sha256:aaf40edcb1cea831b36b9c8a230826ddb63362e3b998f26f6e5310c20c1c73be","quantities":{"image":205,"input":2000},"requests":2,"rule":"images by the hundred","rule_contract":"customer acme","rule_hash":"sha256:90001113956b5adecce236e1bf91fe206984b39819fe0187f5cb2fd8d01ca115"},{"amount":"27.43","description":"acme/large","exact_amount":"27.425","kind":"usage","list_amount":"34.05","mode":"standard","model":"acme/large","parts":[{"exact_amount":"19.55","fx":"1","multiplier":"1","quantities":{"cache_read":1000000,"input":6000000,"output":350000},"requests":3,"rule_tier":"up to 5,000,000","steps":[{"amount":"14","kind":"rate","name":"input","per":1000000,"quantity":5000000,"rate":"2.8"},{"amount":"0.3","kind":"rate","name":"cache_read","per":1000000,"quantity":1000000,"rate":"0.3"},{"amount":"5.25","kind":"rate","name":"output","per":1000000,"quantity":350000,"rate":"15"},{"amount":"0","kind":"included","name":"input","per":1,"quantity":1000000,"rate":"0"}],"tier":null,"window":null},{"exact_amount":"7.875","fx":"1","multiplier":"1","quantities":{"input":3500000},"requests":0,"rule_tier":"above 5,000,000","steps":[{"amount":"7.875","kind":"rate","name":"input","per":1000000,"quantity":3500000,"rate":"2.25"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"cache_read":1000000,"input":9500000,"output":350000},"requests":3,"rule":"large by volume used","rule_contract":"customer acme","rule_hash":"sha256:a19727f0cfd07ef8f75c308ca9f2452f97622368f2dd51d899f7511dc5f63d85"},{"amount":"0.00","description":"acme/small","exact_amount":"0.004","kind":"usage","list_amount":"0.001314","mode":"standard","model":"acme/small","parts":[{"exact_amount":"0.004","fx":"1","multiplier":"1","quantities":{"input":9100,"output":1010},"requests":2,"steps":[{"amount":"0.00091","kind":"rate","name":"input","per":1000000,"quantity":9100,"rate":"0.1"},{"amount":"0.000404","kind":"rate","name":"output","per":1000000,"quantity":1010,"rate":"0.4"},{"amount":"0.000657","kind":"markup","name":"default","of_amount":"0.001314","percent":"50"},{"amount":"0.002029","kind":"credits","name":"spark","per":1,"quantity":2,"rate":"0.002"}],"tier":null,"window":null}],"price_entry":"sha256:d66a88afd077bb68d6ae374c38c69402b3c1d0596375325c98825de1ff012243","quantities":{"input":9100,"output":1010},"requests":2,"rule":"small in sparks","rule_contract":"customer acme","rule_hash":"sha256:5f5f5870a64a76388fd3d33d58861839dbad691bce96152a58862228a545cc6b"},{"amount":"0.96","description":"acme/thin","exact_amount":"0.96","kind":"usage","list_amount":"0.82","mode":"standard","model":"acme/thin","parts":[{"exact_amount":"0.96","fx":"1","multiplier":"1","quantities":{"input":800000,"output":20000},"requests":2,"steps":[{"amount":"0.8","kind":"rate","name":"input","per":1000000,"quantity":800000,"rate":"1"},{"amount":"0.02","kind":"rate","name":"output","per":1000000,"quantity":20000,"rate":"1"},{"amount":"0.14","kind":"margin","name":"floor","percent":"10"}],"tier":null,"window":null}],"price_entry":"sha256:8144d7a1e124218b514333e1eec7940e4a7dd2851341d38c26bebe5a7cd71c55","quantities":{"input":800000,"output":20000},"requests":2,"rule":"never below cost","rule_contract":"customer acme","rule_hash":"sha256:bb5df5b2609dd56c19411765209494ef51414eea7f48f743856914e34c1c3bda"},{"amount":"0.27","description":"other/model","exact_amount":"0.265","kind":"usage","list_amount":"4.95","mode":"standard","model":"other/model","parts":[{"exact_amount":"0.065","fx":"1","multiplier":"1","quantities":{"input":100000,"output":10000},"requests":1,"steps":[{"amount":"0.3","kind":"rate","name":"input","per":1000000,"quantity":100000,"rate":"3"},{"amount":"0.15","kind":"rate","name":"output","per":1000000,"quantity":10000,"rate":"15"},{"amount":"0.06","kind":"markup","name":"default","of_amount":"0.3","percent":"20"},{"amount":"0.045","kind":"markup","name":"output","of_amount":"0.15","percent":"30"},{"amount":"0.01","kind":"add_on","name":"request","per":1,"quantity":1,"rate":"0.01"},{"amount":"-0.5","kind":"allowance","name":"amount"}],"tier":null,"window":null},{"exact_amount":"0.2","fx":"1","multiplier":"1","quantities":{"input":1000000,"output":100000},"requests":1,"steps":[{"amount":"0.2","kind":"byok_fee","name":"cost","of_amount":"4","percent":"5"}],"tier":null,"window":null}],"price_entry":"sha256:5c3bb761bde982bf642e1bf10802f4bfb1a7e9398ae4ca5b663d2562fd4e0f13","quantities":{"input":1100000,"output":110000},"requests":2,"rule":"everything else","rule_contract":"customer acme","rule_hash":"sha256:2d92c718c00050050a896611bedc4bab4b40a7a86642a48d94c1697c9105b7d9"},{"amount":"6.75","customer":"acme lab","description":"acme/large","exact_amount":"6.75","kind":"usage","list_amount":"7.5","mode":"standard","model":"acme/large","parts":[{"exact_amount":"6.75","fx":"1","multiplier":"1","quantities":{"input":2000000,"output":100000},"requests":1,"steps":[{"amount":"6","kind":"rate","name":"input","per":1000000,"quantity":2000000,"rate":"3"},{"amount":"1.5","kind":"rate","name":"output","per":1000000,"quantity":100000,"rate":"15"},{"amount":"-0.75","kind":"markup","name":"default","of_amount":"7.5","percent":"-10"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":2000000,"output":100000},"requests":1,"rule":"lab","rule_contract":"customer acme lab","rule_hash":"sha256:6b1b7076839fff28ac75c83f550ec5be679f3802ee6b0840cfe0b44bd91af8f6"},{"amount":"0.09","customer":"acme lab","description":"acme/small","exact_amount":"0.09","kind":"usage","list_amount":"0.1","mode":"standard","model":"acme/small","parts":[{"exact_amount":"0.09","fx":"1","multiplier":"1","quantities":{"input":1000000},"requests":1,"steps":[{"amount":"0.1","kind":"rate","name":"input","per":1000000,"quantity":1000000,"rate":"0.1"},{"amount":"-0.01","kind":"markup","name":"default","of_amount":"0.1","percent":"-10"}],"tier":null,"window":null}],"price_entry":"sha256:d66a88afd077bb68d6ae374c38c69402b3c1d0596375325c98825de1ff012243","quantities":{"input":1000000},"requests":1,"rule":"lab","rule_contract":"customer acme lab","rule_hash":"sha256:6b1b7076839fff28ac75c83f550ec5be679f3802ee6b0840cfe0b44bd91af8f6"},{"amount":"13.50","charge":{"name":"image","quantity":3,"rate":"4.5","size":100,"units":205},"description":"image, packages of 100","exact_amount":"13.5","kind":"package","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":"images by the hundred","rule_contract":"customer acme","rule_hash":"sha256:90001113956b5adecce236e1bf91fe206984b39819fe0187f5cb2fd8d01ca115"},{"amount":"7.50","charge":{"name":"above 5,000,000","quantity":1,"rate":"7.5"},"description":"flat amount, above 5,000,000","exact_amount":"7.5","kind":"flat","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":"large by volume used","rule_contract":"customer acme","rule_hash":"sha256:a19727f0cfd07ef8f75c308ca9f2452f97622368f2dd51d899f7511dc5f63d85"},{"amount":"67.06","charge":{"name":"platform fee","of_days":31,"quantity":21,"rate":"99"},"description":"platform fee","exact_amount":"67.06","kind":"base_fee","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"64.19","charge":{"name":"platform fee, larger","of_days":31,"quantity":10,"rate":"199"},"description":"platform fee, larger","exact_amount":"64.19","kind":"base_fee","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-10","period_end":"2026-10-31T23:00:00Z","period_start":"2026-09-30T22:00:00Z","requests_without_cost":0,"subtotal":"187.75","tax":"56.04","total":"329.42","unpriced":[]}' AS BLOB),'sha256:9d16f105f318339af746f8baf81fb33d8ad12398b2594d2c770de9903b874b80','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:6555d5fc3684c3ce07e073e33404a7b26eb0bef9432a0671b32440778c20b3da","f":2,"l":3,"s":4,"time_zones":"2026.6"}',1793610000000000,3,'period',0);
INSERT INTO "invoice" VALUES(5,'INV-000005','dora','2026-10','issued','USD',1350,0,1350,CAST('{"cost":"0.6","currency":"USD","customer":"dora","daily":[{"day":"2026-10-05","exact_amount":"1.5","requests":1},{"day":"2026-10-12","exact_amount":"3.6","requests":1},{"day":"2026-10-28","exact_amount":"8.4","requests":1}],"lines":[{"amount":"13.50","description":"acme/large","exact_amount":"13.5","kind":"usage","list_amount":"13.5","mode":"standard","model":"acme/large","parts":[{"exact_amount":"13.5","fx":"1","multiplier":"1","quantities":{"input":4500000},"requests":3,"steps":[{"amount":"13.5","kind":"rate","name":"input","per":1000000,"quantity":4500000,"rate":"3"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":4500000},"requests":3,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-10","period_end":"2026-11-01T00:00:00Z","period_start":"2026-10-01T00:00:00Z","requests_without_cost":0,"subtotal":"13.50","tax":"0.00","total":"13.50","unpriced":[]}' AS BLOB),'sha256:cdbc18f647a6343dc34c6526885dd9d105f1a4e2540630f023f6fd6b850219a0','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:6555d5fc3684c3ce07e073e33404a7b26eb0bef9432a0671b32440778c20b3da","f":2,"l":3,"s":4,"time_zones":"2026.6"}',1793610000000000,3,'period',0);
INSERT INTO "invoice" VALUES(6,'INV-000006','eve','2026-10','issued','USD',0,0,0,CAST('{"cost":"0.5","currency":"USD","customer":"eve","daily":[{"day":"2026-10-15","exact_amount":"0","requests":1}],"lines":[{"amount":"0.00","description":"acme/large","exact_amount":"0","kind":"usage","list_amount":"0","mode":"standard","model":"acme/large","parts":[{"exact_amount":"0","fx":"1","multiplier":"1","quantities":{},"requests":1,"steps":[],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{},"requests":1,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-10","period_end":"2026-11-01T00:00:00Z","period_start":"2026-10-01T00:00:00Z","requests_without_cost":0,"subtotal":"0.00","tax":"0.00","total":"0.00","unpriced":[]}' AS BLOB),'sha256:857188eb99e4422ae40a2947dd19b2c3497f3a6e4bc841401cae267a9be6deca','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:6555d5fc3684c3ce07e073e33404a7b26eb0bef9432a0671b32440778c20b3da","f":2,"l":3,"s":4,"time_zones":"2026.6"}',1793610000000000,3,'period',0);
INSERT INTO "invoice" VALUES(7,'INV-000007','gil','2026-10','issued','USD',2000,380,2380,CAST('{"cost":"0.6","currency":"USD","customer":"gil","daily":[{"day":"2026-10-05","exact_amount":"1.5","requests":1},{"day":"2026-10-12","exact_amount":"3.6","requests":1},{"day":"2026-10-28","exact_amount":"8.4","requests":1}],"due":"23.80","items":[{"amount":"6.50","kind":"minimum","name":"minimum commitment","of":"20.00"},{"amount":"3.80","kind":"tax","name":"VAT","of":"20.00","percent":"19"}],"lines":[{"amount":"13.50","description":"acme/large","exact_amount":"13.5","kind":"usage","list_amount":"13.5","mode":"standard","model":"acme/large","parts":[{"exact_amount":"13.5","fx":"1","multiplier":"1","quantities":{"input":4500000},"requests":3,"steps":[{"amount":"13.5","kind":"rate","name":"input","per":1000000,"quantity":4500000,"rate":"3"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":4500000},"requests":3,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-10","period_end":"2026-11-01T00:00:00Z","period_start":"2026-10-01T00:00:00Z","requests_without_cost":0,"subtotal":"13.50","tax":"3.80","total":"23.80","unpriced":[]}' AS BLOB),'sha256:f36b859b28c53b78360cde489acda2331f088fbcc8448b6ff875d4a7fb5f186f','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:6555d5fc3684c3ce07e073e33404a7b26eb0bef9432a0671b32440778c20b3da","f":2,"l":3,"s":4,"time_zones":"2026.6"}',1793610000000000,3,'period',0);
INSERT INTO "invoice" VALUES(8,'INV-000008','hana','2026-10','issued','USD',1215,231,1446,CAST('{"cost":"0.6","currency":"USD","customer":"hana","daily":[{"day":"2026-10-05","exact_amount":"1.5","requests":1},{"day":"2026-10-12","exact_amount":"3.6","requests":1},{"day":"2026-10-28","exact_amount":"8.4","requests":1}],"due":"14.46","items":[{"amount":"-1.35","kind":"coupon","name":"ten","of":"13.50","percent":"10"},{"amount":"2.31","kind":"tax","name":"VAT","of":"12.15","percent":"19"}],"lines":[{"amount":"13.50","description":"acme/large","exact_amount":"13.5","kind":"usage","list_amount":"13.5","mode":"standard","model":"acme/large","parts":[{"exact_amount":"13.5","fx":"1","multiplier":"1","quantities":{"input":4500000},"requests":3,"steps":[{"amount":"13.5","kind":"rate","name":"input","per":1000000,"quantity":4500000,"rate":"3"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":4500000},"requests":3,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-10","period_end":"2026-11-01T00:00:00Z","period_start":"2026-10-01T00:00:00Z","requests_without_cost":0,"subtotal":"13.50","tax":"2.31","total":"14.46","unpriced":[]}' AS BLOB),'sha256:cb70eae5ae90845c184cbbb1e3981edf37a90da405861808cb5df923c63d10dd','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:6555d5fc3684c3ce07e073e33404a7b26eb0bef9432a0671b32440778c20b3da","f":2,"l":3,"s":4,"time_zones":"2026.6"}',1793610000000000,3,'period',0);
INSERT INTO "invoice" VALUES(9,'INV-000009','koi','2026-10','issued','JPY',1200,0,1200,CAST('{"cost":null,"currency":"JPY","customer":"koi","daily":[{"day":"2026-10-08","exact_amount":"1344.33","requests":1}],"due":"1200","items":[{"amount":"-144","kind":"cap","name":"cap","of":"1200"}],"lines":[{"amount":"1344","description":"acme/large","exact_amount":"1344.33","kind":"usage","list_amount":"1344.33","mode":"standard","model":"acme/large","parts":[{"exact_amount":"1344.33","fx":"149.37","multiplier":"1","quantities":{"input":3000000},"requests":1,"steps":[{"amount":"1344.33","fx":"149.37","kind":"rate","name":"input","per":1000000,"quantity":3000000,"rate":"3"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":3000000},"requests":1,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-10","period_end":"2026-11-01T00:00:00Z","period_start":"2026-10-01T00:00:00Z","requests_without_cost":1,"subtotal":"1344","tax":"0","total":"1200","unpriced":[]}' AS BLOB),'sha256:e44796ab852e483826f4e9a282399589d808d985a2bbce5e7349ed95721afc92','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:6555d5fc3684c3ce07e073e33404a7b26eb0bef9432a0671b32440778c20b3da","f":2,"l":3,"s":4,"time_zones":"2026.6"}',1793610000000000,3,'period',0);
INSERT INTO "invoice" VALUES(10,'INV-000010','oasis','2026-10','issued','KWD',276,0,276,CAST('{"cost":null,"currency":"KWD","customer":"oasis","daily":[{"day":"2026-10-09","exact_amount":"0.276435","requests":1}],"due":"0.000","items":[{"amount":"-0.276","kind":"carried","name":"carried forward"}],"lines":[{"amount":"0.276","description":"acme/large","exact_amount":"0.276435","kind":"usage","list_amount":"0.276435","mode":"standard","model":"acme/large","parts":[{"exact_amount":"0.276435","fx":"0.30715","multiplier":"1","quantities":{"input":300000},"requests":1,"steps":[{"amount":"0.276435","fx":"0.30715","kind":"rate","name":"input","per":1000000,"quantity":300000,"rate":"3"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":300000},"requests":1,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-10","period_end":"2026-11-01T00:00:00Z","period_start":"2026-10-01T00:00:00Z","requests_without_cost":1,"subtotal":"0.276","tax":"0.000","total":"0.276","unpriced":[]}' AS BLOB),'sha256:95f270a3a62f159866d19765373d9513e28044c720f5e84b258a6e3b1d1cc88a','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:6555d5fc3684c3ce07e073e33404a7b26eb0bef9432a0671b32440778c20b3da","f":2,"l":3,"s":4,"time_zones":"2026.6"}',1793610000000000,3,'period',0);
INSERT INTO "invoice" VALUES(11,'INV-000011','acme','2026-11','issued','USD',30000,6150,36150,CAST('{"cost":null,"currency":"USD","customer":"acme","daily":[],"due":"361.50","items":[{"amount":"-19.90","kind":"coupon","name":"launch-10","of":"199.00","percent":"10"},{"amount":"-5.00","kind":"coupon","name":"sorry","of":"179.10"},{"amount":"125.90","kind":"minimum","name":"committed spend","of":"300.00"},{"amount":"57.00","kind":"tax","name":"VAT","of":"300.00","percent":"19"},{"amount":"4.50","kind":"tax","name":"city levy","of":"300.00","percent":"1.5"}],"lines":[{"amount":"199.00","charge":{"name":"platform fee, larger","of_days":30,"quantity":30,"rate":"199"},"description":"platform fee, larger","exact_amount":"199","kind":"base_fee","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-11","period_end":"2026-11-30T23:00:00Z","period_start":"2026-10-31T23:00:00Z","requests_without_cost":0,"subtotal":"199.00","tax":"61.50","total":"361.50","unpriced":[]}' AS BLOB),'sha256:318def2c27304e30d1c812e3c30c70b7ab2ad165708de5c456942139fe6620fc','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:6555d5fc3684c3ce07e073e33404a7b26eb0bef9432a0671b32440778c20b3da","f":3,"l":10,"s":10,"time_zones":"2026.6"}',1796202000000000,4,'period',0);
INSERT INTO "invoice" VALUES(12,'INV-000012','dora','2026-11','issued','USD',1500,0,1500,CAST('{"cost":"0.4","currency":"USD","customer":"dora","daily":[{"day":"2026-11-01","exact_amount":"0.000021","requests":1},{"day":"2026-11-02","exact_amount":"6","requests":1},{"day":"2026-11-11","exact_amount":"3.3","requests":1},{"day":"2026-11-19","exact_amount":"5.7","requests":1}],"lines":[{"amount":"15.00","description":"acme/large","exact_amount":"15.000021","kind":"usage","list_amount":"15.000021","mode":"standard","model":"acme/large","parts":[{"exact_amount":"15.000021","fx":"1","multiplier":"1","quantities":{"input":5000007},"requests":4,"steps":[{"amount":"15.000021","kind":"rate","name":"input","per":1000000,"quantity":5000007,"rate":"3"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":5000007},"requests":4,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-11","period_end":"2026-12-01T00:00:00Z","period_start":"2026-11-01T00:00:00Z","requests_without_cost":2,"subtotal":"15.00","tax":"0.00","total":"15.00","unpriced":[],"waived":[{"mode":"standard","model":"acme/large","quantities":{},"reason":"the gateway reported no usage for these requests, and somebody decided to bill nothing for them","requests":1}]}' AS BLOB),'sha256:b04472b1cd08832453d159674038a5ad091b6edc981efe854f517669a0965cf1','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:6555d5fc3684c3ce07e073e33404a7b26eb0bef9432a0671b32440778c20b3da","f":3,"l":10,"s":10,"time_zones":"2026.6"}',1796202000000000,4,'period',0);
INSERT INTO "invoice" VALUES(13,'INV-000013','gil','2026-11','issued','USD',2000,380,2380,CAST('{"cost":"0.4","currency":"USD","customer":"gil","daily":[{"day":"2026-11-11","exact_amount":"3.3","requests":1},{"day":"2026-11-19","exact_amount":"5.7","requests":1}],"due":"23.80","items":[{"amount":"11.00","kind":"minimum","name":"minimum commitment","of":"20.00"},{"amount":"3.80","kind":"tax","name":"VAT","of":"20.00","percent":"19"}],"lines":[{"amount":"9.00","description":"acme/large","exact_amount":"9","kind":"usage","list_amount":"9","mode":"standard","model":"acme/large","parts":[{"exact_amount":"9","fx":"1","multiplier":"1","quantities":{"input":3000000},"requests":2,"steps":[{"amount":"9","kind":"rate","name":"input","per":1000000,"quantity":3000000,"rate":"3"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":3000000},"requests":2,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-11","period_end":"2026-12-01T00:00:00Z","period_start":"2026-11-01T00:00:00Z","requests_without_cost":0,"subtotal":"9.00","tax":"3.80","total":"23.80","unpriced":[]}' AS BLOB),'sha256:9166efd4dde3e8e908ad627954e4cb0b220893ae3a3c52fc4fe64e08ee0a1c4e','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:6555d5fc3684c3ce07e073e33404a7b26eb0bef9432a0671b32440778c20b3da","f":3,"l":10,"s":10,"time_zones":"2026.6"}',1796202000000000,4,'period',0);
INSERT INTO "invoice" VALUES(14,'INV-000014','hana','2026-11','void','USD',810,154,964,CAST('{"cost":"0.4","currency":"USD","customer":"hana","daily":[{"day":"2026-11-11","exact_amount":"3.3","requests":1},{"day":"2026-11-19","exact_amount":"5.7","requests":1}],"due":"9.64","items":[{"amount":"-0.90","kind":"coupon","name":"ten","of":"9.00","percent":"10"},{"amount":"1.54","kind":"tax","name":"VAT","of":"8.10","percent":"19"}],"lines":[{"amount":"9.00","description":"acme/large","exact_amount":"9","kind":"usage","list_amount":"9","mode":"standard","model":"acme/large","parts":[{"exact_amount":"9","fx":"1","multiplier":"1","quantities":{"input":3000000},"requests":2,"steps":[{"amount":"9","kind":"rate","name":"input","per":1000000,"quantity":3000000,"rate":"3"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":3000000},"requests":2,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-11","period_end":"2026-12-01T00:00:00Z","period_start":"2026-11-01T00:00:00Z","requests_without_cost":0,"subtotal":"9.00","tax":"1.54","total":"9.64","unpriced":[]}' AS BLOB),'sha256:434812da43b826dc23c17c521ff125088246ed31e7cad92ad04685d65066cbc4','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:6555d5fc3684c3ce07e073e33404a7b26eb0bef9432a0671b32440778c20b3da","f":3,"l":10,"s":10,"time_zones":"2026.6"}',1796202000000000,4,'period',0);
INSERT INTO "invoice" VALUES(15,'INV-000015','oasis','2026-11','issued','KWD',0,0,0,CAST('{"cost":null,"currency":"KWD","customer":"oasis","daily":[],"due":"0.276","items":[{"amount":"0.276","kind":"balance","name":"brought forward"}],"lines":[],"missing":[],"period":"2026-11","period_end":"2026-12-01T00:00:00Z","period_start":"2026-11-01T00:00:00Z","requests_without_cost":0,"subtotal":"0.000","tax":"0.000","total":"0.000","unpriced":[]}' AS BLOB),'sha256:46a2b1bc77269c1feef02801e5e066cddf0ac3729539c8e02caa16f2b3eaae52','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:6555d5fc3684c3ce07e073e33404a7b26eb0bef9432a0671b32440778c20b3da","f":3,"l":10,"s":10,"time_zones":"2026.6"}',1796202000000000,4,'period',0);
INSERT INTO "invoice" VALUES(16,'INV-000016','hana','2026-11','issued','USD',810,154,964,CAST('{"cost":"0.4","currency":"USD","customer":"hana","daily":[{"day":"2026-11-11","exact_amount":"3.3","requests":1},{"day":"2026-11-19","exact_amount":"5.7","requests":1}],"due":"9.64","items":[{"amount":"-0.90","kind":"coupon","name":"ten","of":"9.00","percent":"10"},{"amount":"1.54","kind":"tax","name":"VAT","of":"8.10","percent":"19"}],"lines":[{"amount":"9.00","description":"acme/large","exact_amount":"9","kind":"usage","list_amount":"9","mode":"standard","model":"acme/large","parts":[{"exact_amount":"9","fx":"1","multiplier":"1","quantities":{"input":3000000},"requests":2,"steps":[{"amount":"9","kind":"rate","name":"input","per":1000000,"quantity":3000000,"rate":"3"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":3000000},"requests":2,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-11","period_end":"2026-12-01T00:00:00Z","period_start":"2026-11-01T00:00:00Z","requests_without_cost":0,"subtotal":"9.00","tax":"1.54","total":"9.64","unpriced":[]}' AS BLOB),'sha256:434812da43b826dc23c17c521ff125088246ed31e7cad92ad04685d65066cbc4','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:6555d5fc3684c3ce07e073e33404a7b26eb0bef9432a0671b32440778c20b3da","f":3,"l":16,"s":10,"time_zones":"2026.6"}',1796202000000000,5,'period',0);
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
INSERT INTO "invoice_line" VALUES(1,1,'acme/large','standard','large by volume used',1,'2',200,'usage');
INSERT INTO "invoice_line" VALUES(3,1,'acme/image','standard','images by the hundred',1,'0.002',0,'usage');
INSERT INTO "invoice_line" VALUES(3,2,'acme/large','standard','large by volume used',2,'16.65',1665,'usage');
INSERT INTO "invoice_line" VALUES(3,3,'acme/small','standard','small in sparks',2,'0.004',1,'usage');
INSERT INTO "invoice_line" VALUES(3,4,'acme/thin','standard','never below cost',2,'0.96',96,'usage');
INSERT INTO "invoice_line" VALUES(3,5,'','','images by the hundred',0,'9',900,'package');
INSERT INTO "invoice_line" VALUES(4,1,'acme/image','standard','images by the hundred',2,'0.002',0,'usage');
INSERT INTO "invoice_line" VALUES(4,2,'acme/large','standard','large by volume used',3,'27.425',2743,'usage');
INSERT INTO "invoice_line" VALUES(4,3,'acme/small','standard','small in sparks',2,'0.004',0,'usage');
INSERT INTO "invoice_line" VALUES(4,4,'acme/thin','standard','never below cost',2,'0.96',96,'usage');
INSERT INTO "invoice_line" VALUES(4,5,'other/model','standard','everything else',2,'0.265',27,'usage');
INSERT INTO "invoice_line" VALUES(4,6,'acme/large','standard','lab',1,'6.75',675,'usage');
INSERT INTO "invoice_line" VALUES(4,7,'acme/small','standard','lab',1,'0.09',9,'usage');
INSERT INTO "invoice_line" VALUES(4,8,'','','images by the hundred',0,'13.5',1350,'package');
INSERT INTO "invoice_line" VALUES(4,9,'','','large by volume used',0,'7.5',750,'flat');
INSERT INTO "invoice_line" VALUES(4,10,'','',NULL,0,'67.06',6706,'base_fee');
INSERT INTO "invoice_line" VALUES(4,11,'','',NULL,0,'64.19',6419,'base_fee');
INSERT INTO "invoice_line" VALUES(5,1,'acme/large','standard',NULL,3,'13.5',1350,'usage');
INSERT INTO "invoice_line" VALUES(6,1,'acme/large','standard',NULL,1,'0',0,'usage');
INSERT INTO "invoice_line" VALUES(7,1,'acme/large','standard',NULL,3,'13.5',1350,'usage');
INSERT INTO "invoice_line" VALUES(8,1,'acme/large','standard',NULL,3,'13.5',1350,'usage');
INSERT INTO "invoice_line" VALUES(9,1,'acme/large','standard',NULL,1,'1344.33',1344,'usage');
INSERT INTO "invoice_line" VALUES(10,1,'acme/large','standard',NULL,1,'0.276435',276,'usage');
INSERT INTO "invoice_line" VALUES(11,1,'','',NULL,0,'199',19900,'base_fee');
INSERT INTO "invoice_line" VALUES(12,1,'acme/large','standard',NULL,4,'15.000021',1500,'usage');
INSERT INTO "invoice_line" VALUES(13,1,'acme/large','standard',NULL,2,'9',900,'usage');
INSERT INTO "invoice_line" VALUES(14,1,'acme/large','standard',NULL,2,'9',900,'usage');
INSERT INTO "invoice_line" VALUES(16,1,'acme/large','standard',NULL,2,'9',900,'usage');
CREATE TABLE ledger (
	invoice_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	name TEXT NOT NULL, 
	amount_minor INTEGER NOT NULL, 
	customer TEXT NOT NULL, 
	currency TEXT NOT NULL, 
	CONSTRAINT pk_ledger PRIMARY KEY (invoice_id, position), 
	CONSTRAINT fk_ledger_invoice FOREIGN KEY(invoice_id) REFERENCES invoice (id), 
	CONSTRAINT ck_ledger_kind CHECK (kind IN ('coupon', 'credit', 'balance', 'invoiced', 'tax'))
)
 STRICT

;
INSERT INTO "ledger" VALUES(1,1,'credit','goodwill',200,'acme','USD');
INSERT INTO "ledger" VALUES(3,1,'credit','goodwill',1050,'acme','USD');
INSERT INTO "ledger" VALUES(3,2,'credit','prepaid 2026',2158,'acme','USD');
INSERT INTO "ledger" VALUES(3,3,'invoiced','net',2662,'acme','USD');
INSERT INTO "ledger" VALUES(3,4,'tax','VAT',506,'acme','USD');
INSERT INTO "ledger" VALUES(3,5,'tax','city levy',40,'acme','USD');
INSERT INTO "ledger" VALUES(4,1,'coupon','launch-10',1878,'acme','USD');
INSERT INTO "ledger" VALUES(4,2,'coupon','sorry',500,'acme','USD');
INSERT INTO "ledger" VALUES(4,3,'credit','prepaid 2026',7842,'acme','USD');
INSERT INTO "ledger" VALUES(4,4,'credit','sparks',20000,'acme','USD');
INSERT INTO "ledger" VALUES(8,1,'coupon','ten',135,'hana','USD');
INSERT INTO "ledger" VALUES(10,1,'balance','carried forward',276,'oasis','KWD');
INSERT INTO "ledger" VALUES(11,1,'coupon','launch-10',1990,'acme','USD');
INSERT INTO "ledger" VALUES(11,2,'coupon','sorry',500,'acme','USD');
INSERT INTO "ledger" VALUES(14,1,'coupon','ten',90,'hana','USD');
INSERT INTO "ledger" VALUES(15,1,'balance','brought forward',-276,'oasis','KWD');
INSERT INTO "ledger" VALUES(16,1,'coupon','ten',90,'hana','USD');
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
INSERT INTO "member_period" VALUES(1,'acme','2026-09',1788213600000000,1790805600000000);
INSERT INTO "member_period" VALUES(1,'acme lab','2026-09',1788213600000000,1790805600000000);
INSERT INTO "member_period" VALUES(2,'gil','2026-09',1788220800000000,1790812800000000);
INSERT INTO "member_period" VALUES(4,'acme','2026-10',1790805600000000,1793487600000000);
INSERT INTO "member_period" VALUES(4,'acme lab','2026-10',1790805600000000,1793487600000000);
INSERT INTO "member_period" VALUES(5,'dora','2026-10',1790812800000000,1793491200000000);
INSERT INTO "member_period" VALUES(6,'eve','2026-10',1790812800000000,1793491200000000);
INSERT INTO "member_period" VALUES(7,'gil','2026-10',1790812800000000,1793491200000000);
INSERT INTO "member_period" VALUES(8,'hana','2026-10',1790812800000000,1793491200000000);
INSERT INTO "member_period" VALUES(9,'koi','2026-10',1790812800000000,1793491200000000);
INSERT INTO "member_period" VALUES(10,'oasis','2026-10',1790812800000000,1793491200000000);
INSERT INTO "member_period" VALUES(11,'acme','2026-11',1793487600000000,1796079600000000);
INSERT INTO "member_period" VALUES(11,'acme lab','2026-11',1793487600000000,1796079600000000);
INSERT INTO "member_period" VALUES(12,'dora','2026-11',1793491200000000,1796083200000000);
INSERT INTO "member_period" VALUES(13,'gil','2026-11',1793491200000000,1796083200000000);
INSERT INTO "member_period" VALUES(14,'hana','2026-11',1793491200000000,1796083200000000);
INSERT INTO "member_period" VALUES(15,'oasis','2026-11',1793491200000000,1796083200000000);
INSERT INTO "member_period" VALUES(16,'hana','2026-11',1793491200000000,1796083200000000);
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
INSERT INTO "push" VALUES('dora','tokentill_usd','2026-10-05',1,'2026-10','INV-000005','cus_43de3a417d75f4818c5a5532',150,'tokentill-c3a76e09e1f8f46ee79214b4d448fb5bf7f7c66aeb8be8d2','accepted',1,1793610000000000,NULL);
INSERT INTO "push" VALUES('dora','tokentill_usd','2026-10-12',1,'2026-10','INV-000005','cus_43de3a417d75f4818c5a5532',360,'tokentill-a1549bd187dd58211d1311ed900e481432e008372f133c1e','accepted',1,1793610000000000,NULL);
INSERT INTO "push" VALUES('dora','tokentill_usd','2026-10-28',1,'2026-10','INV-000005','cus_43de3a417d75f4818c5a5532',840,'tokentill-9117fc8a98cd4247c00c9b25952c2ac7cb2f1f8593ceb1e4','accepted',1,1793610000000000,NULL);
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
INSERT INTO "quarantine" VALUES(X'D9BFA0A884FB76C4E13D1268C718022F',4,'decided','occurred_at 1999-01-01T00:00:00Z is before 2020-01-01T00:00:00Z, the oldest instant that is taken; correct the record, or set oldest (in [ingest] of tokentill.toml, or Till.open''s bounds)','old','{"api_key":null,"cost":null,"geo":null,"is_byok":false,"mode":"standard","model":"acme/large","occurred_at":"1999-01-01T00:00:00Z","provider":null,"quantities":{"input":1000,"output":100},"record_id":',5,NULL,CAST('{"api_key":null,"cost":null,"geo":null,"is_byok":false,"mode":"standard","model":"acme/large","occurred_at":"1999-01-01T00:00:00Z","provider":null,"quantities":{"input":1000,"output":100},"record_id":"old","source":"arouter","status":"ok","tags":[],"usage_state":"reported","user":"dora"}' AS BLOB),NULL,NULL,'canonical');
CREATE TABLE "quarantine_decision" (
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
INSERT INTO "quarantine_decision" VALUES(X'D9BFA0A884FB76C4E13D1268C718022F',4,'discarded','rita','a test',1794733200000000);
CREATE TABLE recording (
	hash TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	content BLOB NOT NULL, 
	first_seen_at INTEGER NOT NULL, 
	CONSTRAINT pk_recording PRIMARY KEY (hash)
)
 STRICT

;
INSERT INTO "recording" VALUES('sha256:277b9ce51a9ec6fa57c90b119a956f0ceb0f15dc84a70f4d8edb4fc462c771eb','customer',CAST('{"format":1,"id":"ines","kind":"customer","recorded_at":"2026-09-01T00:00:00Z","rule":[],"valid_from":"2026-01-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:27fa122bd96e05e1063a1bb204581cc38723776fae3832c5891c89b09704f5a9','prices',CAST('{"currency":"USD","format":1,"kind":"prices","price":[{"model":"other/model","per":1000000,"rates":{"cache_read":"0.3","input":"3","output":"15"},"valid_from":"2026-01-01T00:00:00Z"}],"recorded_at":"2026-09-01T00:00:00Z","source":"a test"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:40b4a6ce2f1c0610aaccf3b630551fe4b857adb6a838df08dd376f3c009235fd','default',CAST('{"anchor_day":1,"currency":"USD","format":1,"id":"default","kind":"default","recorded_at":"2026-09-01T00:00:00Z","rule":[],"time_zone":"UTC","valid_from":"2026-01-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:44e99d8458d1e1e97dd203aaf029110f232e0f7804fd150a3255133e1d10b1bb','contract-set',CAST('{"bindings":{"hash":"sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945","upto":0},"kind":"contract-set","recordings":["sha256:277b9ce51a9ec6fa57c90b119a956f0ceb0f15dc84a70f4d8edb4fc462c771eb","sha256:40b4a6ce2f1c0610aaccf3b630551fe4b857adb6a838df08dd376f3c009235fd","sha256:4621ee188fcd1c86e9541acded4b694c30a7f5b2855727f236975cdfd4170254","sha256:6e815f097ce244ed4b338e5ce525aa0cca36c4a768d62f5e4e3cc37962b3c7b3","sha256:72c193f7f9c810d1d97610f54bea8fd29c0ae3b53eb56699b88c924675d1ff3b","sha256:823feef2c47589433c23b6dc5a601737dbfaf459522185b9a57fc15871882bb5","sha256:8ea99ac5ddb6d848c292775d4629d125bed9695cab27c2d2fd806e700b269d30","sha256:a475abd15a1de42b18d50c39d5cd148036339844400524af601749d8d1f6be88","sha256:a5130133335e760424deda67ed21a26cac410d41ac340c031c22ca34e43b5d9e","sha256:a9f1d3f8229a4e86113132da0f741530a0adea695188469d45ca6e537af841b9","sha256:ab90df629e597a840bf21eb345e39eb6da305eeec2c88e199c9686cd48cf718b","sha256:d83b9a8828e105048c2d224780cc8cbb938949281406b11b558f46e2b57b0ade"]}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:4621ee188fcd1c86e9541acded4b694c30a7f5b2855727f236975cdfd4170254','customer',CAST('{"anchor_day":1,"currency":"USD","format":1,"id":"acme","invoice":{"base_fee":{"amount":"99","name":"platform fee"},"coupon":[{"id":"launch-10","percent":"10","periods":3},{"amount":"5","id":"sorry"}],"interim_at":"25","minimum":{"amount":"300","name":"committed spend"},"smallest_amount":"5","tax":[{"name":"VAT","percent":"19"},{"name":"city levy","percent":"1.5"}]},"kind":"customer","recorded_at":"2026-09-01T00:00:00Z","rule":[{"allowance":{"units":{"input":1000000}},"match":{"model":["acme/large"]},"name":"large by volume used","tiers":{"kind":"graduated","over":["input"],"tier":[{"rates":{"input":"2.8"},"up_to":"5000000"},{"flat":"7.5","rates":{"input":"2.25"}}]}},{"match":{"model":["acme/image"]},"name":"images by the hundred","package":{"image":{"price":"4.5","size":100}}},{"credits":{"at_least":1,"name":"spark","round_up":"request","worth":"0.002"},"markup_percent":"50","match":{"model":["acme/small"]},"name":"small in sparks"},{"match":{"model":["acme/thin"]},"min_margin_percent":"10","name":"never below cost"},{"add_on":{"request":{"price":"0.01"}},"allowance":{"amount":"0.5"},"byok_fee_percent":"5","markup_percent":{"default":"20","output":"30"},"name":"everything else"}],"time_zone":"Europe/Berlin","valid_from":"2026-09-30T22:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:5f44399c8a7d1be398d24e000c2af8483338f821a5a25400aab1475beea66649','prices',CAST('{"currency":"USD","format":1,"kind":"prices","price":[{"model":"acme/large","per":1000000,"rates":{"cache_read":"0.3","input":"3","output":"15"},"valid_from":"2026-01-01T00:00:00Z"},{"model":"acme/small","per":1000000,"rates":{"input":"0.1","output":"0.4"},"valid_from":"2026-01-01T00:00:00Z"},{"model":"acme/thin","per":1000000,"rates":{"input":"1","output":"1"},"valid_from":"2026-01-01T00:00:00Z"},{"fees":{"image":{"price":"0.05"}},"model":"acme/image","per":1000000,"rates":{"input":"1"},"valid_from":"2026-01-01T00:00:00Z"}],"recorded_at":"2026-09-01T00:00:00Z","source":"a test"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a','price-set',CAST('{"kind":"price-set","recordings":["sha256:27fa122bd96e05e1063a1bb204581cc38723776fae3832c5891c89b09704f5a9","sha256:5f44399c8a7d1be398d24e000c2af8483338f821a5a25400aab1475beea66649","sha256:b0746f429442e9c9035938fc16a077424574bc548a091165f53bb44d1c849cfb"]}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:6e815f097ce244ed4b338e5ce525aa0cca36c4a768d62f5e4e3cc37962b3c7b3','customer',CAST('{"anchor_day":1,"currency":"USD","format":1,"id":"acme","invoice":{"smallest_amount":"5"},"kind":"customer","recorded_at":"2026-09-01T00:00:00Z","rule":[{"allowance":{"units":{"input":1000000}},"match":{"model":["acme/large"]},"name":"large by volume used","tiers":{"kind":"graduated","over":["input"],"tier":[{"rates":{"input":"2.8"},"up_to":"5000000"},{"flat":"7.5","rates":{"input":"2.25"}}]}},{"match":{"model":["acme/image"]},"name":"images by the hundred","package":{"image":{"price":"4.5","size":100}}},{"credits":{"at_least":1,"name":"spark","round_up":"request","worth":"0.002"},"markup_percent":"50","match":{"model":["acme/small"]},"name":"small in sparks"},{"match":{"model":["acme/thin"]},"min_margin_percent":"10","name":"never below cost"},{"add_on":{"request":{"price":"0.01"}},"allowance":{"amount":"0.5"},"byok_fee_percent":"5","markup_percent":{"default":"20","output":"30"},"name":"everything else"}],"time_zone":"Europe/Berlin","valid_from":"2026-01-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:72c193f7f9c810d1d97610f54bea8fd29c0ae3b53eb56699b88c924675d1ff3b','customer',CAST('{"currency":"KWD","format":1,"id":"oasis","invoice":{"smallest_amount":"0.5"},"kind":"customer","recorded_at":"2026-09-01T00:00:00Z","rule":[],"valid_from":"2026-01-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:823feef2c47589433c23b6dc5a601737dbfaf459522185b9a57fc15871882bb5','customer',CAST('{"anchor_day":1,"currency":"USD","format":1,"id":"acme","invoice":{"base_fee":{"amount":"199","name":"platform fee, larger"},"coupon":[{"id":"launch-10","percent":"10","periods":3},{"amount":"5","id":"sorry"}],"interim_at":"25","minimum":{"amount":"300","name":"committed spend"},"smallest_amount":"5","tax":[{"name":"VAT","percent":"19"},{"name":"city levy","percent":"1.5"}]},"kind":"customer","recorded_at":"2026-09-01T00:00:00Z","rule":[{"allowance":{"units":{"input":1000000}},"match":{"model":["acme/large"]},"name":"large by volume used","tiers":{"kind":"graduated","over":["input"],"tier":[{"rates":{"input":"2.8"},"up_to":"5000000"},{"flat":"7.5","rates":{"input":"2.25"}}]}},{"match":{"model":["acme/image"]},"name":"images by the hundred","package":{"image":{"price":"4.5","size":100}}},{"credits":{"at_least":1,"name":"spark","round_up":"request","worth":"0.002"},"markup_percent":"50","match":{"model":["acme/small"]},"name":"small in sparks"},{"match":{"model":["acme/thin"]},"min_margin_percent":"10","name":"never below cost"},{"add_on":{"request":{"price":"0.01"}},"allowance":{"amount":"0.5"},"byok_fee_percent":"5","markup_percent":{"default":"20","output":"30"},"name":"everything else"}],"time_zone":"Europe/Berlin","valid_from":"2026-10-21T22:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:8ea99ac5ddb6d848c292775d4629d125bed9695cab27c2d2fd806e700b269d30','customer',CAST('{"format":1,"id":"gil","invoice":{"minimum":{"amount":"20"},"tax":[{"name":"VAT","percent":"19"}]},"kind":"customer","recorded_at":"2026-09-01T00:00:00Z","rule":[],"valid_from":"2026-01-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:a475abd15a1de42b18d50c39d5cd148036339844400524af601749d8d1f6be88','customer',CAST('{"currency":"JPY","format":1,"id":"koi","invoice":{"cap":{"amount":"1200"}},"kind":"customer","recorded_at":"2026-09-01T00:00:00Z","rule":[],"valid_from":"2026-01-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:a5130133335e760424deda67ed21a26cac410d41ac340c031c22ca34e43b5d9e','customer',CAST('{"format":1,"id":"hana","invoice":{"coupon":[{"id":"ten","percent":"10"}],"tax":[{"name":"VAT","percent":"19"}]},"kind":"customer","recorded_at":"2026-09-01T00:00:00Z","rule":[],"valid_from":"2026-01-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:a9f1d3f8229a4e86113132da0f741530a0adea695188469d45ca6e537af841b9','customer',CAST('{"currency":"USD","format":1,"id":"acme lab","invoice":{"parent":"acme"},"kind":"customer","recorded_at":"2026-09-01T00:00:00Z","rule":[{"markup_percent":"-10","name":"lab"}],"valid_from":"2026-01-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:ab90df629e597a840bf21eb345e39eb6da305eeec2c88e199c9686cd48cf718b','attribution',CAST('{"default":"each-user","format":1,"kind":"attribution","recorded_at":"2026-09-01T00:00:00Z","rule":[],"tolerance_percent":"0","valid_from":"2026-01-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:b0746f429442e9c9035938fc16a077424574bc548a091165f53bb44d1c849cfb','fx',CAST('{"format":1,"kind":"fx","rate":[{"date":"2026-09-01","from":"USD","rate":"149.37","to":"JPY"},{"date":"2026-09-01","from":"USD","rate":"0.30715","to":"KWD"}],"recorded_at":"2026-09-01T00:00:00Z","source":"a test"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:d83b9a8828e105048c2d224780cc8cbb938949281406b11b558f46e2b57b0ade','grant',CAST('{"format":1,"grant":[{"amount":"12.5","currency":"USD","customer":"acme","expires_at":"2026-10-04T00:00:00Z","id":"goodwill","priority":-1,"valid_from":"2026-09-01T00:00:00Z"},{"amount":"100","currency":"USD","customer":"acme","expires_at":"2027-01-01T00:00:00Z","id":"prepaid 2026","valid_from":"2026-10-01T00:00:00Z"},{"credits":100000,"currency":"USD","customer":"acme","id":"sparks","name":"spark","valid_from":"2026-10-01T00:00:00Z","worth":"0.002"}],"kind":"grant","recorded_at":"2026-09-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:6555d5fc3684c3ce07e073e33404a7b26eb0bef9432a0671b32440778c20b3da','contract-set',CAST('{"bindings":{"hash":"sha256:2415ef9da8706efcbdae695ef4d1870a809d562e50fb760db417b8bc20f9a6c5","upto":1},"kind":"contract-set","recordings":["sha256:277b9ce51a9ec6fa57c90b119a956f0ceb0f15dc84a70f4d8edb4fc462c771eb","sha256:40b4a6ce2f1c0610aaccf3b630551fe4b857adb6a838df08dd376f3c009235fd","sha256:4621ee188fcd1c86e9541acded4b694c30a7f5b2855727f236975cdfd4170254","sha256:6e815f097ce244ed4b338e5ce525aa0cca36c4a768d62f5e4e3cc37962b3c7b3","sha256:72c193f7f9c810d1d97610f54bea8fd29c0ae3b53eb56699b88c924675d1ff3b","sha256:823feef2c47589433c23b6dc5a601737dbfaf459522185b9a57fc15871882bb5","sha256:8ea99ac5ddb6d848c292775d4629d125bed9695cab27c2d2fd806e700b269d30","sha256:a475abd15a1de42b18d50c39d5cd148036339844400524af601749d8d1f6be88","sha256:a5130133335e760424deda67ed21a26cac410d41ac340c031c22ca34e43b5d9e","sha256:a9f1d3f8229a4e86113132da0f741530a0adea695188469d45ca6e537af841b9","sha256:ab90df629e597a840bf21eb345e39eb6da305eeec2c88e199c9686cd48cf718b","sha256:d83b9a8828e105048c2d224780cc8cbb938949281406b11b558f46e2b57b0ade"]}' AS BLOB),1793610000000000);
CREATE TABLE review (
	seq INTEGER NOT NULL, 
	customer TEXT NOT NULL, 
	period TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	content_hash TEXT NOT NULL, 
	reviewer TEXT NOT NULL, 
	note TEXT NOT NULL, 
	recorded_at INTEGER NOT NULL, 
	CONSTRAINT pk_review PRIMARY KEY (seq), 
	CONSTRAINT ck_review_kind CHECK (kind IN ('approved', 'held', 'released'))
)
 STRICT

;
INSERT INTO "review" VALUES(1,'dora','2026-10','approved','sha256:cdbc18f647a6343dc34c6526885dd9d105f1a4e2540630f023f6fd6b850219a0','rita','as agreed',1793610000000000);
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
INSERT INTO "revision" VALUES(1,'dora-5',X'BD1A2572C11DA5F1F94D5A65C0A20A4F',4,'{"api_key":null,"cost":null,"geo":null,"is_byok":false,"mode":"standard","model":"acme/large","occurred_at":"2026-10-05T12:00:00Z","provider":null,"quantities":{"input":3},"record_id":"dora-5","source":"arouter","status":"ok","tags":[],"usage_state":"reported","user":"dora"}',1,1791201600000000,1791201600000000);
INSERT INTO "revision" VALUES(1,'n1',X'B21197C81538E13AAE69212A84DD22C6',6,'{"api_key":null,"cost":null,"geo":null,"is_byok":false,"mode":"standard","model":"acme/large","occurred_at":"2026-11-01T12:00:00Z","provider":null,"quantities":{"input":7},"record_id":"n1","source":"arouter","status":"ok","tags":[],"usage_state":"reported","user":"dora"}',1,1793534400000000,1793534400000000);
INSERT INTO "revision" VALUES(1,'n2',X'958D790AA45D7D70349410F7B29B6BCD',6,'{"api_key":null,"cost":null,"geo":null,"is_byok":false,"mode":"standard","model":"acme/large","occurred_at":"2026-11-02T12:00:00Z","provider":null,"quantities":{"input":7},"record_id":"n2","source":"arouter","status":"ok","tags":[],"usage_state":"reported","user":"dora"}',1,1793620800000000,1793620800000000);
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
INSERT INTO "revision_decision" VALUES(1,'n1',X'B21197C81538E13AAE69212A84DD22C6','accepted','rita','final',1794733200000000);
INSERT INTO "revision_decision" VALUES(1,'n2',X'958D790AA45D7D70349410F7B29B6BCD','rejected','rita','an error',1794733200000000);
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
	usage_state TEXT NOT NULL, 
	CONSTRAINT pk_series PRIMARY KEY (id), 
	CONSTRAINT uq_series_digest UNIQUE (digest), 
	CONSTRAINT ck_series_is_byok CHECK (is_byok IN (0, 1)), 
	CONSTRAINT ck_series_usage_state CHECK (usage_state IN ('reported', 'estimated', 'missing'))
)
 STRICT

;
INSERT INTO "series" VALUES(1,X'8F026BF921A4036F105B514C29A7FDBE','arouter','acme',NULL,'acme/large',NULL,'standard',NULL,'[]',0,'ok','reported');
INSERT INTO "series" VALUES(2,X'F8A72882868998EF3E1A625EDD55F917','arouter','acme',NULL,'acme/image',NULL,'standard',NULL,'[]',0,'ok','reported');
INSERT INTO "series" VALUES(3,X'9913836486637F3ECAEF7178421320B7','arouter','acme',NULL,'acme/small',NULL,'standard',NULL,'[]',0,'ok','reported');
INSERT INTO "series" VALUES(4,X'7C1B646D5A7B8BED5A97A6CC06AED260','arouter','acme',NULL,'acme/thin',NULL,'standard',NULL,'[]',0,'ok','reported');
INSERT INTO "series" VALUES(5,X'89BACC75CCFE88F2A814665A50AAD1D3','arouter','acme lab',NULL,'acme/large',NULL,'standard',NULL,'[]',0,'ok','reported');
INSERT INTO "series" VALUES(6,X'E4CDCF8864A47A24C43C1A772E4B8724','arouter','acme lab',NULL,'acme/small',NULL,'standard',NULL,'[]',0,'ok','reported');
INSERT INTO "series" VALUES(7,X'266C747AFAFC5CAB37B281E15FB6FF56','arouter','acme',NULL,'other/model',NULL,'standard',NULL,'[]',1,'ok','reported');
INSERT INTO "series" VALUES(8,X'8C35D9E686197E3470C93AD3C66BAF49','arouter','acme',NULL,'other/model',NULL,'standard',NULL,'[]',0,'ok','reported');
INSERT INTO "series" VALUES(9,X'F452205F4B0016D3A0AB0587C65CC8E5','arouter','koi',NULL,'acme/large',NULL,'standard',NULL,'[]',0,'ok','reported');
INSERT INTO "series" VALUES(10,X'270D594EADBF14B8F57D3427DA1DA5AE','arouter','oasis',NULL,'acme/large',NULL,'standard',NULL,'[]',0,'ok','reported');
INSERT INTO "series" VALUES(11,X'DBCEA08B7236130DD316DEBC3BE8C2A2','arouter','dora',NULL,'acme/large',NULL,'standard',NULL,'[]',0,'ok','reported');
INSERT INTO "series" VALUES(12,X'A218EAFF2C8934A673639CC3BBD5BEF1','arouter','gil',NULL,'acme/large',NULL,'standard',NULL,'[]',0,'ok','reported');
INSERT INTO "series" VALUES(13,X'402AA51CFF9667CEC111330E81DBC5FA','arouter','hana',NULL,'acme/large',NULL,'standard',NULL,'[]',0,'ok','reported');
INSERT INTO "series" VALUES(14,X'04209564B05CFCAB0FC71088EF9CD308','arouter','eve',NULL,'acme/large',NULL,'standard',NULL,'[]',0,'ok','reported');
INSERT INTO "series" VALUES(15,X'F62870F96C1135BE59B11F04BEFA6207','arouter','dora',NULL,'acme/large',NULL,'standard',NULL,'[]',0,'ok','missing');
CREATE TABLE series_month (
	month INTEGER NOT NULL, 
	series_id INTEGER NOT NULL, 
	CONSTRAINT pk_series_month PRIMARY KEY (month, series_id), 
	CONSTRAINT fk_series_month_series FOREIGN KEY(series_id) REFERENCES series (id)
)
 STRICT

;
INSERT INTO "series_month" VALUES(680,1);
INSERT INTO "series_month" VALUES(681,1);
INSERT INTO "series_month" VALUES(681,2);
INSERT INTO "series_month" VALUES(681,3);
INSERT INTO "series_month" VALUES(681,4);
INSERT INTO "series_month" VALUES(681,5);
INSERT INTO "series_month" VALUES(681,6);
INSERT INTO "series_month" VALUES(681,7);
INSERT INTO "series_month" VALUES(681,8);
INSERT INTO "series_month" VALUES(681,9);
INSERT INTO "series_month" VALUES(681,10);
INSERT INTO "series_month" VALUES(681,11);
INSERT INTO "series_month" VALUES(681,12);
INSERT INTO "series_month" VALUES(681,13);
INSERT INTO "series_month" VALUES(681,14);
INSERT INTO "series_month" VALUES(682,11);
INSERT INTO "series_month" VALUES(682,15);
INSERT INTO "series_month" VALUES(682,12);
INSERT INTO "series_month" VALUES(682,13);
CREATE TABLE source (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	CONSTRAINT pk_source PRIMARY KEY (id), 
	CONSTRAINT uq_source_name UNIQUE (name)
)
 STRICT

;
INSERT INTO "source" VALUES(1,'arouter');
CREATE TABLE stripe_account (
	id INTEGER NOT NULL, 
	account TEXT NOT NULL, 
	is_live INTEGER NOT NULL, 
	CONSTRAINT pk_stripe_account PRIMARY KEY (id), 
	CONSTRAINT ck_stripe_account_single CHECK (id = 1)
)
 STRICT

;
INSERT INTO "stripe_account" VALUES(1,'acct_standin',0);
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
	digest BLOB NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT pk_usage PRIMARY KEY (id), 
	CONSTRAINT uq_usage_identity UNIQUE (source_id, record_id, version), 
	CONSTRAINT fk_usage_batch FOREIGN KEY(seq) REFERENCES batch (seq), 
	CONSTRAINT fk_usage_series FOREIGN KEY(series_id) REFERENCES series (id), 
	CONSTRAINT fk_usage_source FOREIGN KEY(source_id) REFERENCES source (id), 
	CONSTRAINT ck_usage_digest CHECK (length(digest) = 16), 
	CONSTRAINT ck_usage_has_cost CHECK (has_cost IN (0, 1))
)
 STRICT

;
INSERT INTO "usage" VALUES(1,1,'r01',1,1,1789387200000000,1500000,1500000,0,0,0,0,0,0,0,0,0,40000,0,0,0,0,0,0,0,X'E62227CCD1F6CA26BE846807243F9024',1);
INSERT INTO "usage" VALUES(2,1,'r11',1,2,1790942400000000,3000000,3000000,0,0,0,0,0,0,0,0,0,200000,0,0,0,1,700000000,0,0,X'8A7E3DFBECA0D97449666275BA925F9D',1);
INSERT INTO "usage" VALUES(3,1,'r12',1,2,1791028800000000,3500000,2500000,1000000,0,0,0,0,0,0,0,0,50000,0,0,0,1,500000000,0,0,X'6CFC38A974C2DA876D8F945B88C4F9AF',1);
INSERT INTO "usage" VALUES(4,1,'r13',2,2,1791115200000000,2000,2000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,300000000,0,0,X'F58277D76344DAE7BBBC77EC6C2E2A63',1);
INSERT INTO "usage" VALUES(5,1,'r14',3,2,1791194400000000,9000,9000,0,0,0,0,0,0,0,0,0,1000,0,0,0,1,100000,0,0,X'C087D73C99860242B535F22365F32507',1);
INSERT INTO "usage" VALUES(6,1,'r15',3,2,1791198000000000,100,100,0,0,0,0,0,0,0,0,0,10,0,0,0,1,10000,0,0,X'ED47A9310B2A6ED7BA751C56B5422693',1);
INSERT INTO "usage" VALUES(7,1,'r16',4,2,1791288000000000,400000,400000,0,0,0,0,0,0,0,0,0,10000,0,0,0,1,50000000,0,0,X'D98944C983C5239BF8DF77D5B7D40957',1);
INSERT INTO "usage" VALUES(8,1,'r17',4,2,1791374400000000,400000,400000,0,0,0,0,0,0,0,0,0,10000,0,0,0,1,30000000,0,0,X'41096E18961213547557635F3FF3FC1E',1);
INSERT INTO "usage" VALUES(9,1,'r21',1,3,1792670400000000,4000000,4000000,0,0,0,0,0,0,0,0,0,100000,0,0,0,1,1100000000,0,0,X'6AE75260C74D5BE88193C0F9105A47CD',1);
INSERT INTO "usage" VALUES(10,1,'r22',5,3,1792756800000000,2000000,2000000,0,0,0,0,0,0,0,0,0,100000,0,0,0,1,600000000,0,0,X'5454824DBEFE08417EBC0F1019266CB7',1);
INSERT INTO "usage" VALUES(11,1,'r23',6,3,1792756800000000,1000000,1000000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,10000000,0,0,X'681717C6B927786409205E47CC435852',1);
INSERT INTO "usage" VALUES(12,1,'r24',2,3,1792843200000000,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,200000000,0,0,X'5F8E9E727F6AD213C1D5F3CCE27A3F12',1);
INSERT INTO "usage" VALUES(13,1,'r25',7,3,1792929600000000,1000000,1000000,0,0,0,0,0,0,0,0,0,100000,0,0,0,1,400000000,0,0,X'5D1883063B05CE0C668FCB63C174CA36',1);
INSERT INTO "usage" VALUES(14,1,'r26',8,3,1793016000000000,100000,100000,0,0,0,0,0,0,0,0,0,10000,0,0,0,1,40000000,0,0,X'8C7360DF2FE1E7E5D646AEA87881C77A',1);
INSERT INTO "usage" VALUES(15,1,'r31',9,3,1791460800000000,3000000,3000000,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,X'C129483B2D99F3C60242406335463A19',1);
INSERT INTO "usage" VALUES(16,1,'r41',10,3,1791547200000000,300000,300000,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,X'25E5B4C07890A5DD37AB0E387B153DD1',1);
INSERT INTO "usage" VALUES(17,1,'dora-5',11,3,1791201600000000,500000,500000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,X'9EA41C85DA1E2D4670A9576E78EE4038',1);
INSERT INTO "usage" VALUES(18,1,'dora-12',11,3,1791806400000000,1200000,1200000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,X'B543BD305BD579955C947106F0920B53',1);
INSERT INTO "usage" VALUES(19,1,'dora-28',11,3,1793188800000000,2800000,2800000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,X'F3AF6CDA2C7D61ADE24A792F7200AB1D',1);
INSERT INTO "usage" VALUES(20,1,'gil-5',12,3,1791201600000000,500000,500000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,X'C7649585F7416A0519B402DC12DCC8DE',1);
INSERT INTO "usage" VALUES(21,1,'gil-12',12,3,1791806400000000,1200000,1200000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,X'07F61976546F09D05935DB5B918D8AD7',1);
INSERT INTO "usage" VALUES(22,1,'gil-28',12,3,1793188800000000,2800000,2800000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,X'EBEF96788FE071B97D69A863AB9334C8',1);
INSERT INTO "usage" VALUES(23,1,'hana-5',13,3,1791201600000000,500000,500000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,X'00E324AA466A306731CC4AF7FB2C1447',1);
INSERT INTO "usage" VALUES(24,1,'hana-12',13,3,1791806400000000,1200000,1200000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,X'6B51FF033AE7FC8997B939479606272B',1);
INSERT INTO "usage" VALUES(25,1,'hana-28',13,3,1793188800000000,2800000,2800000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,X'DA553476D2C1D4C20912640FDD1534A3',1);
INSERT INTO "usage" VALUES(26,1,'image',14,3,1792065600000000,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,50000000,0,0,X'4FB8247B1A290CFE8EC679E29FD23D55',1);
INSERT INTO "usage" VALUES(27,1,'n1',11,5,1793534400000000,1000000,1000000,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,X'2AC6599C592F1BDEEECCEB7406AE1AE6',1);
INSERT INTO "usage" VALUES(28,1,'n2',11,5,1793620800000000,2000000,2000000,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,X'275897DA91F9B1972BE19D0949DDAAB9',1);
INSERT INTO "usage" VALUES(29,1,'none',15,5,1793707200000000,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,X'258567ACAA229AF30BCADE9D796315ED',1);
INSERT INTO "usage" VALUES(30,1,'n1',11,7,1793534400000000,7,7,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,X'B21197C81538E13AAE69212A84DD22C6',2);
INSERT INTO "usage" VALUES(31,1,'dora-11',11,10,1794398400000000,1100000,1100000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,X'0ABC33DCD89ADA17A7B0D7F9D14BDFE4',1);
INSERT INTO "usage" VALUES(32,1,'dora-19',11,10,1795089600000000,1900000,1900000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,X'C2710AAD3A3FCED5998C077A3265F068',1);
INSERT INTO "usage" VALUES(33,1,'gil-11',12,10,1794398400000000,1100000,1100000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,X'F1669F802102199806EB7D95D4F1E814',1);
INSERT INTO "usage" VALUES(34,1,'gil-19',12,10,1795089600000000,1900000,1900000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,X'A0092C13802F6FD3807DBC5190EE5329',1);
INSERT INTO "usage" VALUES(35,1,'hana-11',13,10,1794398400000000,1100000,1100000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,X'631DB33C5BA254FB427C4D13CD2D472C',1);
INSERT INTO "usage" VALUES(36,1,'hana-19',13,10,1795089600000000,1900000,1900000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,X'1B4A6027B9C1281DC8CE64954AD4D8DB',1);
CREATE TABLE usage_unit (
	usage_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	quantity INTEGER NOT NULL, 
	CONSTRAINT pk_usage_unit PRIMARY KEY (usage_id, name), 
	CONSTRAINT fk_usage_unit_usage FOREIGN KEY(usage_id) REFERENCES usage (id)
)
 STRICT

;
INSERT INTO "usage_unit" VALUES(4,'image',130);
INSERT INTO "usage_unit" VALUES(12,'image',75);
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
	CONSTRAINT ck_withdrawal_cause CHECK (cause IN ('revision', 'waiver'))
)
 STRICT

;
INSERT INTO "withdrawal" VALUES(27,'revision',7,'rita','final',1794733200000000);
INSERT INTO "withdrawal" VALUES(26,'waiver',8,'rita','failed',1794733200000000);
INSERT INTO "withdrawal" VALUES(29,'waiver',9,'rita','failed',1794733200000000);
CREATE UNIQUE INDEX uq_close_run_open ON close_run (period) WHERE state = 'open';
CREATE INDEX ix_review_period ON review (period);
CREATE INDEX ix_invoice_period ON invoice (period);
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
CREATE TRIGGER guard_invoice_delete BEFORE DELETE ON invoice BEGIN SELECT RAISE(ABORT, 'an issued invoice never changes'); END;
CREATE TRIGGER guard_batch_insert BEFORE INSERT ON batch WHEN EXISTS (SELECT 1 FROM batch WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM batch WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'batch is append-only'); END;
CREATE TRIGGER guard_quarantine_insert BEFORE INSERT ON quarantine WHEN EXISTS (SELECT 1 FROM quarantine WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM quarantine WHERE digest = NEW.digest AND line = NEW.line) BEGIN SELECT RAISE(ABORT, 'quarantine is append-only'); END;
CREATE TRIGGER guard_recording_insert BEFORE INSERT ON recording WHEN EXISTS (SELECT 1 FROM recording WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM recording WHERE hash = NEW.hash) BEGIN SELECT RAISE(ABORT, 'recording is append-only'); END;
CREATE TRIGGER guard_binding_insert BEFORE INSERT ON binding WHEN EXISTS (SELECT 1 FROM binding WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM binding WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'binding is append-only'); END;
CREATE TRIGGER guard_review_insert BEFORE INSERT ON review WHEN EXISTS (SELECT 1 FROM review WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM review WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'review is append-only'); END;
CREATE TRIGGER guard_audit_insert BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq) OR EXISTS (SELECT 1 FROM audit WHERE hash = NEW.hash) BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER guard_invoice_line_insert BEFORE INSERT ON invoice_line WHEN EXISTS (SELECT 1 FROM invoice_line WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM invoice_line WHERE invoice_id = NEW.invoice_id AND position = NEW.position) BEGIN SELECT RAISE(ABORT, 'invoice_line is append-only'); END;
CREATE UNIQUE INDEX uq_invoice_run ON invoice (close_run_id, customer);
CREATE UNIQUE INDEX uq_invoice_live ON invoice (customer, period, kind, part) WHERE status = 'issued';
CREATE TRIGGER guard_invoice_update BEFORE UPDATE ON invoice WHEN NEW.id IS NOT OLD.id OR NEW.number IS NOT OLD.number OR NEW.customer IS NOT OLD.customer OR NEW.period IS NOT OLD.period OR NEW.currency IS NOT OLD.currency OR NEW.subtotal_minor IS NOT OLD.subtotal_minor OR NEW.tax_minor IS NOT OLD.tax_minor OR NEW.total_minor IS NOT OLD.total_minor OR NEW.content IS NOT OLD.content OR NEW.content_hash IS NOT OLD.content_hash OR NEW.pins IS NOT OLD.pins OR NEW.issued_at IS NOT OLD.issued_at OR NEW.close_run_id IS NOT OLD.close_run_id OR NEW.kind IS NOT OLD.kind OR NEW.part IS NOT OLD.part OR NOT (OLD.status = 'issued' AND NEW.status = 'void') BEGIN SELECT RAISE(ABORT, 'an issued invoice never changes'); END;
CREATE TRIGGER guard_invoice_insert BEFORE INSERT ON invoice WHEN EXISTS (SELECT 1 FROM invoice WHERE id = NEW.id OR number = NEW.number OR (customer = NEW.customer AND period = NEW.period AND kind = NEW.kind AND part = NEW.part AND status = 'issued' AND NEW.status = 'issued') OR (close_run_id = NEW.close_run_id AND customer = NEW.customer)) BEGIN SELECT RAISE(ABORT, 'an issued invoice never changes'); END;
CREATE TRIGGER guard_ledger_update BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'ledger is append-only'); END;
CREATE TRIGGER guard_ledger_delete BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'ledger is append-only'); END;
CREATE TRIGGER guard_ledger_insert BEFORE INSERT ON ledger WHEN EXISTS (SELECT 1 FROM ledger WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM ledger WHERE invoice_id = NEW.invoice_id AND position = NEW.position) BEGIN SELECT RAISE(ABORT, 'ledger is append-only'); END;
CREATE INDEX ix_ledger_customer ON ledger (customer);
CREATE INDEX ix_coverage_series ON coverage (series_id, ends_at);
CREATE INDEX ix_coverage_ends_at ON coverage (ends_at);
CREATE INDEX ix_member_period_customer ON member_period (customer, ends_at);
CREATE INDEX ix_member_period_ends_at ON member_period (ends_at);
CREATE INDEX ix_invoice_customer ON invoice (customer);
CREATE TRIGGER guard_batch_update BEFORE UPDATE ON batch BEGIN SELECT RAISE(ABORT, 'batch is append-only'); END;
CREATE TRIGGER guard_series_month_update BEFORE UPDATE ON series_month BEGIN SELECT RAISE(ABORT, 'series_month is append-only'); END;
CREATE TRIGGER guard_series_month_delete BEFORE DELETE ON series_month BEGIN SELECT RAISE(ABORT, 'series_month is append-only'); END;
CREATE TRIGGER guard_series_month_insert BEFORE INSERT ON series_month WHEN EXISTS (SELECT 1 FROM series_month WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM series_month WHERE month = NEW.month AND series_id = NEW.series_id) BEGIN SELECT RAISE(ABORT, 'series_month is append-only'); END;
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
CREATE TRIGGER guard_invoice_void AFTER UPDATE OF status ON invoice WHEN NEW.status = 'void' AND NOT EXISTS (SELECT 1 FROM document_event WHERE invoice_id = NEW.id AND kind = 'void') BEGIN UPDATE counter SET value = value + 1 WHERE name = 'document'; INSERT INTO document_event (position, invoice_id, kind, recorded_at, actor, reason) SELECT value, NEW.id, 'void', (SELECT max(recorded_at) FROM document_event), 'unknown', 'its status was changed in the database' FROM counter WHERE name = 'document'; END;
CREATE TRIGGER guard_series_update BEFORE UPDATE ON series BEGIN SELECT RAISE(ABORT, 'series is append-only'); END;
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
CREATE INDEX ix_usage_occurred_at ON usage (occurred_at);
CREATE INDEX ix_usage_series ON usage (series_id, occurred_at);
CREATE INDEX ix_usage_seq ON usage (seq);
CREATE TRIGGER guard_usage_update BEFORE UPDATE ON usage BEGIN SELECT RAISE(ABORT, 'usage is append-only'); END;
CREATE TRIGGER guard_usage_delete BEFORE DELETE ON usage BEGIN SELECT RAISE(ABORT, 'usage is append-only'); END;
CREATE TRIGGER guard_usage_unit_update BEFORE UPDATE ON usage_unit BEGIN SELECT RAISE(ABORT, 'usage_unit is append-only'); END;
CREATE TRIGGER guard_usage_unit_delete BEFORE DELETE ON usage_unit BEGIN SELECT RAISE(ABORT, 'usage_unit is append-only'); END;
CREATE TRIGGER guard_revision_update BEFORE UPDATE ON revision BEGIN SELECT RAISE(ABORT, 'revision is append-only'); END;
CREATE TRIGGER guard_revision_delete BEFORE DELETE ON revision BEGIN SELECT RAISE(ABORT, 'revision is append-only'); END;
CREATE TRIGGER guard_usage_insert BEFORE INSERT ON usage WHEN EXISTS (SELECT 1 FROM usage WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM usage WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM usage WHERE source_id = NEW.source_id AND record_id = NEW.record_id AND version = NEW.version) BEGIN SELECT RAISE(ABORT, 'usage is append-only'); END;
CREATE TRIGGER guard_usage_unit_insert BEFORE INSERT ON usage_unit WHEN EXISTS (SELECT 1 FROM usage_unit WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM usage_unit WHERE usage_id = NEW.usage_id AND name = NEW.name) BEGIN SELECT RAISE(ABORT, 'usage_unit is append-only'); END;
CREATE TRIGGER guard_revision_insert BEFORE INSERT ON revision WHEN EXISTS (SELECT 1 FROM revision WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM revision WHERE source_id = NEW.source_id AND record_id = NEW.record_id AND digest = NEW.digest) BEGIN SELECT RAISE(ABORT, 'revision is append-only'); END;
CREATE INDEX ix_revision_occurred_at ON revision (occurred_at);
CREATE INDEX ix_revision_revised_at ON revision (revised_at);
CREATE INDEX ix_quarantine_occurred_at ON quarantine (occurred_at);
CREATE INDEX ix_withdrawal_seq ON withdrawal (seq);
CREATE TRIGGER guard_revision_decision_update BEFORE UPDATE ON revision_decision BEGIN SELECT RAISE(ABORT, 'revision_decision is append-only'); END;
CREATE TRIGGER guard_revision_decision_delete BEFORE DELETE ON revision_decision BEGIN SELECT RAISE(ABORT, 'revision_decision is append-only'); END;
CREATE TRIGGER guard_revision_decision_insert BEFORE INSERT ON revision_decision WHEN EXISTS (SELECT 1 FROM revision_decision WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM revision_decision WHERE source_id = NEW.source_id AND record_id = NEW.record_id AND digest = NEW.digest AND decision = NEW.decision) BEGIN SELECT RAISE(ABORT, 'revision_decision is append-only'); END;
CREATE TRIGGER guard_withdrawal_update BEFORE UPDATE ON withdrawal BEGIN SELECT RAISE(ABORT, 'withdrawal is append-only'); END;
CREATE TRIGGER guard_withdrawal_delete BEFORE DELETE ON withdrawal BEGIN SELECT RAISE(ABORT, 'withdrawal is append-only'); END;
CREATE TRIGGER guard_withdrawal_insert BEFORE INSERT ON withdrawal WHEN EXISTS (SELECT 1 FROM withdrawal WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM withdrawal WHERE usage_id = NEW.usage_id AND cause = NEW.cause) BEGIN SELECT RAISE(ABORT, 'withdrawal is append-only'); END;
CREATE TRIGGER guard_quarantine_decision_delete BEFORE DELETE ON quarantine_decision BEGIN SELECT RAISE(ABORT, 'quarantine_decision is append-only'); END;
CREATE TRIGGER guard_quarantine_decision_insert BEFORE INSERT ON quarantine_decision WHEN EXISTS (SELECT 1 FROM quarantine_decision WHERE rowid = NEW.rowid) OR EXISTS (SELECT 1 FROM quarantine_decision WHERE digest = NEW.digest AND line = NEW.line) BEGIN SELECT RAISE(ABORT, 'quarantine_decision is append-only'); END;
CREATE TRIGGER guard_quarantine_decision_update BEFORE UPDATE ON quarantine_decision BEGIN SELECT RAISE(ABORT, 'quarantine_decision is append-only'); END;
COMMIT;

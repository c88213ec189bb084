BEGIN TRANSACTION;
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
INSERT INTO "audit" VALUES(1,1790931600000000,'golden','close.started','{"asked":{"grace_seconds":0,"kind":"period","require_approval":false},"period":"2026-09","pins":{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:fa48eb86d3cd57b154faac981c8672791c6cfea3b60e7d874970720497809830","f":5,"l":0,"m":0,"s":1,"time_zones":"2026.6"},"pricing":{"contract_set":"sha256:fa48eb86d3cd57b154faac981c8672791c6cfea3b60e7d874970720497809830","folder":".","is_shipped":false},"run":1}','sha256:0000000000000000000000000000000000000000000000000000000000000000','sha256:1230d4f35d9f4a0c9aaa36d148d2d9a055d85cd0ec3ace7311414b361b6464db');
INSERT INTO "audit" VALUES(2,1790931600000000,'golden','invoice.issued','{"content_hash":"sha256:31a516d2d39e1cd2ce4a013f19ac717dec1d0aed04855bc66880c74d4e2da4c3","customer":"acme","id":1,"issued_at":"2026-10-02T09:00:00Z","kind":"period","number":"INV-000001","part":0,"pins_hash":"sha256:632e7dff7ae54c9e268496310581c0b72df8614ffbc70e7929d5c864ec4ff79e","rows":"sha256:84b53b989b6fa21d7d8d01cbeee75c0bbc08fd2fa3560e42c7a1db7988b81299","run":1}','sha256:1230d4f35d9f4a0c9aaa36d148d2d9a055d85cd0ec3ace7311414b361b6464db','sha256:09065d825608916ade96a6f24fc1e267a26f50a894139fe7ced3925098cc2140');
INSERT INTO "audit" VALUES(3,1790931600000000,'golden','invoice.issued','{"content_hash":"sha256:06a4ddc284112626f1b70e104d9f654e13498a2ca02dbf4675ced60eab80c0ae","customer":"gil","id":2,"issued_at":"2026-10-02T09:00:00Z","kind":"period","number":"INV-000002","part":0,"pins_hash":"sha256:632e7dff7ae54c9e268496310581c0b72df8614ffbc70e7929d5c864ec4ff79e","rows":"sha256:5f916c7da0b5fb2d634da3b104b3af581d75fb55573c63b3604745277ae9ddcf","run":1}','sha256:09065d825608916ade96a6f24fc1e267a26f50a894139fe7ced3925098cc2140','sha256:3ab8acee6dcbb85b3fc2aa16d80cf694d2ae5200d5743d164fd691e0d1576da8');
INSERT INTO "audit" VALUES(4,1790931600000000,'golden','close.finished','{"is_complete":true,"issued":2,"left_over":0,"period":"2026-09","refused":0,"run":1}','sha256:3ab8acee6dcbb85b3fc2aa16d80cf694d2ae5200d5743d164fd691e0d1576da8','sha256:18d0afa9fefa628b2bee3733d165b714c7fb84eb5b665082c143c7e52d39d732');
INSERT INTO "audit" VALUES(5,1792486800000000,'golden','close.started','{"asked":{"grace_seconds":0,"kind":"interim","require_approval":false},"period":"2026-10","pins":{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:fa48eb86d3cd57b154faac981c8672791c6cfea3b60e7d874970720497809830","f":5,"l":2,"m":0,"s":2,"time_zones":"2026.6"},"pricing":{"contract_set":"sha256:fa48eb86d3cd57b154faac981c8672791c6cfea3b60e7d874970720497809830","folder":".","is_shipped":false},"run":2}','sha256:18d0afa9fefa628b2bee3733d165b714c7fb84eb5b665082c143c7e52d39d732','sha256:689806bfc4517afeb0c66a6ab309a919fb14927569a22e8c70133c38c503e16f');
INSERT INTO "audit" VALUES(6,1792486800000000,'golden','invoice.issued','{"content_hash":"sha256:83e9ef3fdd3310e6b55b32e90f549330f68e224507b265dcabcd3b91e241fb6d","customer":"acme","id":3,"issued_at":"2026-10-20T09:00:00Z","kind":"interim","number":"INV-000003","part":1,"pins_hash":"sha256:46b1114d2cc25b21df54a601180dc9064cf9607d738da582bc1f5b4532712ad9","rows":"sha256:be1c3ab33f3330cd311b1e73af025dc44d5df666a1b8eed5b94b68653fb2924e","run":2}','sha256:689806bfc4517afeb0c66a6ab309a919fb14927569a22e8c70133c38c503e16f','sha256:1cabefa02eeb02ccc83367947f71bf8efdd3bd475cad6cf482ed8219a64aa708');
INSERT INTO "audit" VALUES(7,1792486800000000,'golden','close.finished','{"is_complete":true,"issued":1,"left_over":7,"period":"2026-10","refused":0,"run":2}','sha256:1cabefa02eeb02ccc83367947f71bf8efdd3bd475cad6cf482ed8219a64aa708','sha256:9203c0ee4cdf2db7e6e816a954d93b96d9bb81515753dcfaa6477fac04d046a0');
INSERT INTO "audit" VALUES(8,1793610000000000,'golden','binding.added','{"customer":"dora","source":null,"user":"kim","valid_from":"2026-10-01T12:00:00Z"}','sha256:9203c0ee4cdf2db7e6e816a954d93b96d9bb81515753dcfaa6477fac04d046a0','sha256:25c79f0d1ab1933f93742b382715b71651fb4308eb64a9034b5f05900fb28acf');
INSERT INTO "audit" VALUES(9,1793610000000000,'rita','review.approved','{"content_hash":"sha256:7dc3ba2afe693e5c23577d56bbf29ad105beb55550ca87fed30aa3cbd7b8558d","customer":"dora","note":"as agreed","period":"2026-10","pins":{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":3,"m":0,"s":4,"time_zones":"2026.6"},"pricing":{"contract_set":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","folder":".","is_shipped":false}}','sha256:25c79f0d1ab1933f93742b382715b71651fb4308eb64a9034b5f05900fb28acf','sha256:9235b85913ea067ebff49bf1053e0a62938213fd27f56f3ec6cd25b83f53049f');
INSERT INTO "audit" VALUES(10,1793610000000000,'golden','close.started','{"asked":{"grace_seconds":0,"kind":"period","require_approval":false},"period":"2026-10","pins":{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":3,"m":0,"s":4,"time_zones":"2026.6"},"pricing":{"contract_set":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","folder":".","is_shipped":false},"run":3}','sha256:9235b85913ea067ebff49bf1053e0a62938213fd27f56f3ec6cd25b83f53049f','sha256:b82c72bce54a41b51a48fec704ec690a5fe26e84cdbdfa814a07a1a1a190191a');
INSERT INTO "audit" VALUES(11,1793610000000000,'golden','invoice.issued','{"content_hash":"sha256:50516f7084d9d9d793f503c8eee35e6170a1eecfd1ca977479efd86d6dabe25f","customer":"acme","id":4,"issued_at":"2026-11-02T09:00:00Z","kind":"period","number":"INV-000004","part":0,"pins_hash":"sha256:943ec93f7896be026e876f51d66cb4da3ccce5b0fadb4b635a42dc200e759265","rows":"sha256:2375a1402cb436ed79d2e0e8b73d5bec7ac1d2f9db0be4fa5a0265a90683c7ec","run":3}','sha256:b82c72bce54a41b51a48fec704ec690a5fe26e84cdbdfa814a07a1a1a190191a','sha256:e281b8f8cffd93d01c70c8abd6102b382f87f37ec9820d5943238381b1945056');
INSERT INTO "audit" VALUES(12,1793610000000000,'golden','invoice.issued','{"content_hash":"sha256:7dc3ba2afe693e5c23577d56bbf29ad105beb55550ca87fed30aa3cbd7b8558d","customer":"dora","id":5,"issued_at":"2026-11-02T09:00:00Z","kind":"period","number":"INV-000005","part":0,"pins_hash":"sha256:943ec93f7896be026e876f51d66cb4da3ccce5b0fadb4b635a42dc200e759265","rows":"sha256:b4c4c7738840ce5485850674c7754cefd11078686dad61e2f7d6577a88c84007","run":3}','sha256:e281b8f8cffd93d01c70c8abd6102b382f87f37ec9820d5943238381b1945056','sha256:670d82deb152db6cbf95323dac624a2eb49274feb7e8daabf663528f2303221e');
INSERT INTO "audit" VALUES(13,1793610000000000,'golden','invoice.issued','{"content_hash":"sha256:f921f0f2274efb151d0d266aaded70a96c4a3139d43831c9f35f2e40cfe01b26","customer":"finn","id":6,"issued_at":"2026-11-02T09:00:00Z","kind":"period","number":"INV-000006","part":0,"pins_hash":"sha256:943ec93f7896be026e876f51d66cb4da3ccce5b0fadb4b635a42dc200e759265","rows":"sha256:6db3716d230831cc2a187cc1d178d66bf14e105d114dddc572942a4b04d4d42a","run":3}','sha256:670d82deb152db6cbf95323dac624a2eb49274feb7e8daabf663528f2303221e','sha256:bff34aa2d2a4de11c0904cf620e59c8558c2cc2536bf6e27cfc3431b7eebb9ce');
INSERT INTO "audit" VALUES(14,1793610000000000,'golden','invoice.issued','{"content_hash":"sha256:d666f0d06054c84b44a8ce0a54d32020aa085a4bd8964c65ed5ef99ad92a20c9","customer":"gil","id":7,"issued_at":"2026-11-02T09:00:00Z","kind":"period","number":"INV-000007","part":0,"pins_hash":"sha256:943ec93f7896be026e876f51d66cb4da3ccce5b0fadb4b635a42dc200e759265","rows":"sha256:2eeac3352be40f1e7ebe0ef53b4619964f5bc913c715bb88196ecfbaad767088","run":3}','sha256:bff34aa2d2a4de11c0904cf620e59c8558c2cc2536bf6e27cfc3431b7eebb9ce','sha256:39ab6813b73efb9c92127761cb9cb5b5eaaea70f885af931bd109f9d60ecaf6f');
INSERT INTO "audit" VALUES(15,1793610000000000,'golden','invoice.issued','{"content_hash":"sha256:900cd2f2751a70187465262f83fbe869fcd30165cc7731aa3a378f06daa753e4","customer":"hana","id":8,"issued_at":"2026-11-02T09:00:00Z","kind":"period","number":"INV-000008","part":0,"pins_hash":"sha256:943ec93f7896be026e876f51d66cb4da3ccce5b0fadb4b635a42dc200e759265","rows":"sha256:8102f41b97a72b036411d67bff7ed3caad1da93c3ab2470836738eb99b5904ce","run":3}','sha256:39ab6813b73efb9c92127761cb9cb5b5eaaea70f885af931bd109f9d60ecaf6f','sha256:a8166a18cd5a7a454299cb8c9b405fc5ff34d9aeb5e215053201fa29b13b71df');
INSERT INTO "audit" VALUES(16,1793610000000000,'golden','invoice.issued','{"content_hash":"sha256:d61ea02444e500fc05b9c11365d445ae7cb9b23f6d2957801f1e158b7b878ad8","customer":"ines","id":9,"issued_at":"2026-11-02T09:00:00Z","kind":"period","number":"INV-000009","part":0,"pins_hash":"sha256:943ec93f7896be026e876f51d66cb4da3ccce5b0fadb4b635a42dc200e759265","rows":"sha256:61a4b249a3254a6cd547b5fef98ee9b0416f4ca49c5de732676ef9ac32e72289","run":3}','sha256:a8166a18cd5a7a454299cb8c9b405fc5ff34d9aeb5e215053201fa29b13b71df','sha256:1f3946040f6399a22e355678f32513fa5013f8e6d4d8519cf538c2f99931b1c6');
INSERT INTO "audit" VALUES(17,1793610000000000,'golden','invoice.issued','{"content_hash":"sha256:37485e5da4a6f952ad630fc758a5648df38503474101c28d1378de7a9d105c84","customer":"koi","id":10,"issued_at":"2026-11-02T09:00:00Z","kind":"period","number":"INV-000010","part":0,"pins_hash":"sha256:943ec93f7896be026e876f51d66cb4da3ccce5b0fadb4b635a42dc200e759265","rows":"sha256:408848f13d9e8b8527d73b642cb3887fbb44824592a63e469b0912b0f27d7bf0","run":3}','sha256:1f3946040f6399a22e355678f32513fa5013f8e6d4d8519cf538c2f99931b1c6','sha256:1e7cdc85bf3b5b856c1c29c32e4a77622aaf5ca6e05b1c477f0f52541c65745e');
INSERT INTO "audit" VALUES(18,1793610000000000,'golden','invoice.issued','{"content_hash":"sha256:4cc7c9af4adba2641c2be57a5f2ba046028ecda7ac58f98f913883ad9c397165","customer":"oasis","id":11,"issued_at":"2026-11-02T09:00:00Z","kind":"period","number":"INV-000011","part":0,"pins_hash":"sha256:943ec93f7896be026e876f51d66cb4da3ccce5b0fadb4b635a42dc200e759265","rows":"sha256:7e0a9bd584087dd279707d788cbcf4eab30078d240948c3ab450aaa91e868894","run":3}','sha256:1e7cdc85bf3b5b856c1c29c32e4a77622aaf5ca6e05b1c477f0f52541c65745e','sha256:8479ce41ce123702570fea082c7f95702e67e12d558c3155673b299adb7e46df');
INSERT INTO "audit" VALUES(19,1793610000000000,'golden','close.finished','{"is_complete":false,"issued":8,"left_over":1,"period":"2026-10","refused":1,"run":3}','sha256:8479ce41ce123702570fea082c7f95702e67e12d558c3155673b299adb7e46df','sha256:0c5a477ebb67943e8e86b4e3f7d556425da4533213c7043154dfdd8db0b32f87');
INSERT INTO "audit" VALUES(20,1793610000000000,'golden','customer.set','{"customer":"dora","name":"Dora","stripe_customer":"cus_43de3a417d75f4818c5a5532"}','sha256:0c5a477ebb67943e8e86b4e3f7d556425da4533213c7043154dfdd8db0b32f87','sha256:a60b631d25362b9cf2d4a5c9a00d225f205ce0429ec2597044a8a7982a358c10');
INSERT INTO "audit" VALUES(21,1793610000000000,'golden','push.finished','{"account":"acct_standin","complete":false,"mode":"test","not_taken":[],"period":"2026-10","refused":[],"rejected":[],"sent":1,"sums":[{"currency":"JPY","due":"1200","in_stripe":"0"},{"currency":"USD","due":"243.03","in_stripe":"9.50"}],"unchanged":0,"unknown":[],"unlinked":["acme","finn","gil","hana","ines","koi"]}','sha256:a60b631d25362b9cf2d4a5c9a00d225f205ce0429ec2597044a8a7982a358c10','sha256:7a34f8714ffad7e430c871282ff5c6f45b9050ed1e760675650824bd95a1ba81');
INSERT INTO "audit" VALUES(22,1794733200000000,'rita','revision.accepted','{"digest":"b21197c81538e13aae69212a84dd22c6","reason":"final","record_id":"n1","seq":7,"source":"arouter"}','sha256:7a34f8714ffad7e430c871282ff5c6f45b9050ed1e760675650824bd95a1ba81','sha256:a9ac1f1ccad9f65ec3d252a901254eb237dc17c73da9b37ea5645861bf71ac1d');
INSERT INTO "audit" VALUES(23,1794733200000000,'rita','revision.rejected','{"digest":"958d790aa45d7d70349410f7b29b6bcd","reason":"an error","record_id":"n2","source":"arouter"}','sha256:a9ac1f1ccad9f65ec3d252a901254eb237dc17c73da9b37ea5645861bf71ac1d','sha256:d0fd270fd547cfb3bcedcb44f5be3fec1d0fb777a1896fa005be91751b5c59fa');
INSERT INTO "audit" VALUES(24,1794733200000000,'rita','usage.waived','{"reason":"failed","record_id":"image","seq":8,"source":"arouter"}','sha256:d0fd270fd547cfb3bcedcb44f5be3fec1d0fb777a1896fa005be91751b5c59fa','sha256:97d7d6367d9ffc1a4eb2b49effd5cda4499fe63619ca8886e4e02992dda7c1ed');
INSERT INTO "audit" VALUES(25,1794733200000000,'rita','usage.waived','{"reason":"failed","record_id":"none","seq":9,"source":"arouter"}','sha256:97d7d6367d9ffc1a4eb2b49effd5cda4499fe63619ca8886e4e02992dda7c1ed','sha256:444423bb938fa350e1c10f572305041d9961615df460877b2feca63bb8276601');
INSERT INTO "audit" VALUES(26,1794733200000000,'rita','quarantine.discarded','{"lines":["d9bfa0a884fb76c4e13d1268c718022f:4"],"reason":"a test"}','sha256:444423bb938fa350e1c10f572305041d9961615df460877b2feca63bb8276601','sha256:d03177e5ec61e6c930f5fa1ea0c302b3f58f5dbd30dd5755e1195a07f5fdc1ae');
INSERT INTO "audit" VALUES(27,1794733200000000,'rita','usage.retracted','{"reason":"sent twice","records":1,"rows":"sha256:b58a3da5fde2680191877ec88a1aa7d06927cc3b30cdf0d0db8c39b488891576","seq":12,"what":"record wrong of arouter"}','sha256:d03177e5ec61e6c930f5fa1ea0c302b3f58f5dbd30dd5755e1195a07f5fdc1ae','sha256:137581d20224dd671068f0d1bd5dc1777d2f340f425a8c13a86c19c74ccbd16e');
INSERT INTO "audit" VALUES(28,1794733200000000,'golden','import.staged','{"digest":"sha256:f4d6ac008d9c07b7f8be0c6be81c533358dbbec82adc0a4fc7046cd08d469f53","import":13,"lines":1,"name":"staged 0","stage":"looked at"}','sha256:137581d20224dd671068f0d1bd5dc1777d2f340f425a8c13a86c19c74ccbd16e','sha256:0c2cf7d37da44fbce2a05cc2ab57152301d03b8197666f5aa2e37ab29c5b3bfe');
INSERT INTO "audit" VALUES(29,1794733200000000,'rita','import.dropped','{"import":13,"name":"staged 0","reason":"a test"}','sha256:0c2cf7d37da44fbce2a05cc2ab57152301d03b8197666f5aa2e37ab29c5b3bfe','sha256:b71df69918666177268c35b9651537126f97ab29a42163b8302ddca26dc662e7');
INSERT INTO "audit" VALUES(30,1794733200000000,'golden','import.staged','{"digest":"sha256:78929f98ab97d7c0781c84779ed28ef5d071f0c1bf347d9f674e3dc44283a4d4","import":14,"lines":1,"name":"staged 1","stage":"looked at"}','sha256:b71df69918666177268c35b9651537126f97ab29a42163b8302ddca26dc662e7','sha256:68eea780e4d3459d92d4c5d254d3327a03d4c5a074e6e971c7ccd356f5523885');
INSERT INTO "audit" VALUES(31,1794733200000000,'rita','import.accepted','{"import":14,"name":"staged 1","reason":""}','sha256:68eea780e4d3459d92d4c5d254d3327a03d4c5a074e6e971c7ccd356f5523885','sha256:952d2d156ecd86953ba72de8924a2c81c8f110907048f0fd6f40f18cd2c5fc23');
INSERT INTO "audit" VALUES(32,1795165200000000,'rita','usage.retracted','{"reason":"sent twice","records":1,"rows":"sha256:e6c21e8d260fe71882debdb339d2402a2ca7648529bc2303f48649bce0380017","seq":17,"what":"record gil-28 of arouter"}','sha256:952d2d156ecd86953ba72de8924a2c81c8f110907048f0fd6f40f18cd2c5fc23','sha256:4fe827930966850dc324c224d0be64bd74d29f578b4cd3a8ca06198a73846a50');
INSERT INTO "audit" VALUES(33,1795165200000000,'rita','usage.retracted','{"reason":"sent twice","records":1,"rows":"sha256:7ee29791fc17e986b97128845622b077fb45e349fdb80523fac9dba879b4ad60","seq":18,"what":"record hana-12 of arouter"}','sha256:4fe827930966850dc324c224d0be64bd74d29f578b4cd3a8ca06198a73846a50','sha256:53b472bba0ef38ad1a14f243d34276fefe1939f93605f8b53bce47defcb0419a');
INSERT INTO "audit" VALUES(34,1795165200000000,'rita','line.added','{"amount":"12.50","at":"2026-11-20T09:00:00Z","by":"rita","currency":"USD","customer":"hana","description":"support","line":1,"may_be_negative":false,"period":"2026-11","reason":"agreed","removed":null}','sha256:53b472bba0ef38ad1a14f243d34276fefe1939f93605f8b53bce47defcb0419a','sha256:94d748333d9ff1781dd7719edd0e6b7310678871191e18cb3e27bdf6b9542b91');
INSERT INTO "audit" VALUES(35,1795165200000000,'rita','line.added','{"amount":"-2.00","at":"2026-11-20T09:00:00Z","by":"rita","currency":"USD","customer":"hana","description":"goodwill","line":2,"may_be_negative":true,"period":"2026-11","reason":"agreed","removed":null}','sha256:94d748333d9ff1781dd7719edd0e6b7310678871191e18cb3e27bdf6b9542b91','sha256:cdd99b274f4afc9cc5d90a1095d72150b6b738a7be39b13e10e525df1941a8ad');
INSERT INTO "audit" VALUES(36,1795165200000000,'rita','line.added','{"amount":"7.00","at":"2026-11-20T09:00:00Z","by":"rita","currency":"USD","customer":"hana","description":"a slip","line":3,"may_be_negative":false,"period":"2026-11","reason":"agreed","removed":null}','sha256:cdd99b274f4afc9cc5d90a1095d72150b6b738a7be39b13e10e525df1941a8ad','sha256:901e1f529411ce0b26b64dd8d907101865675770fa53a44132ae8798535f93d9');
INSERT INTO "audit" VALUES(37,1795165200000000,'rita','line.removed','{"line":3,"number":4,"reason":"a slip"}','sha256:901e1f529411ce0b26b64dd8d907101865675770fa53a44132ae8798535f93d9','sha256:2342fc5713890429d95c4f5cf945ea25fced976a53e3e3de96d3f9d0c10e6585');
INSERT INTO "audit" VALUES(38,1796115600000000,'rita','review.approved','{"content_hash":"sha256:7a93e5941d1f4fcc592cf84735f4bb9ccb9ee51650765327645fdab718c77cb4","customer":"ines","note":"","period":"2026-11","pins":{"a":"sha256:c7a3eb1598fd8622dc53870a44e3d5666ddf4be1788bde193b546af64ffade94","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":11,"m":4,"s":18,"time_zones":"2026.6"},"policy":"customer ines","policy_hash":"sha256:bc5e2ad7c996b6ca6b33dc3df8e222d7b3916a40e3d0eeac2760b6404590c4f5","pricing":{"contract_set":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","folder":".","is_shipped":false}}','sha256:2342fc5713890429d95c4f5cf945ea25fced976a53e3e3de96d3f9d0c10e6585','sha256:5da99e4c259d685762baabde62bb45fbe90cc58c6ebb1c46216d4ba906dd99fa');
INSERT INTO "audit" VALUES(39,1796115600000000,'rita','control_total.withdrawn','{"id":"5939e629ac5d2b182ff0e0b552a65506","reason":"a slip","version":2}','sha256:5da99e4c259d685762baabde62bb45fbe90cc58c6ebb1c46216d4ba906dd99fa','sha256:96018d192aefabbf7f7696412ed7ad6bb74bd0a7422a13d3446d43e671471db9');
INSERT INTO "audit" VALUES(40,1796202000000000,'golden','close.started','{"asked":{"grace_seconds":0,"kind":"period","require_approval":false},"period":"2026-11","pins":{"a":"sha256:c7a3eb1598fd8622dc53870a44e3d5666ddf4be1788bde193b546af64ffade94","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":11,"m":4,"s":20,"time_zones":"2026.6"},"pricing":{"contract_set":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","folder":".","is_shipped":false},"run":4}','sha256:96018d192aefabbf7f7696412ed7ad6bb74bd0a7422a13d3446d43e671471db9','sha256:87f0723e787f22b263ec7342cb1f30719b1fb6a299a4b9fe0fc8220ad0506dfc');
INSERT INTO "audit" VALUES(41,1796202000000000,'golden','invoice.issued','{"content_hash":"sha256:f6a4f5aba959e3a46afb04c659f8960c8ff5fddd201ad9c2ca15d5244b0cad81","customer":"acme","id":12,"issued_at":"2026-12-02T09:00:00Z","kind":"period","number":"INV-000012","part":0,"pins_hash":"sha256:65f313c4a9984bf168950006f38d6be18c5a8c337e846779d6e12dad1e34b819","rows":"sha256:157e028316d5da5b55e61c3abf35a49a4a4ca4328801f3184bf490d0d88c1bd5","run":4}','sha256:87f0723e787f22b263ec7342cb1f30719b1fb6a299a4b9fe0fc8220ad0506dfc','sha256:04d49dd01f35975b41d70f7dc31ca7a433e0f7eabfbb0d362d5dafb1aedfd724');
INSERT INTO "audit" VALUES(42,1796202000000000,'golden','invoice.issued','{"content_hash":"sha256:2aada2677115522a19ea57be5b729f5b5dbb886fe79e4283399d908ce93ed0d0","customer":"finn","id":13,"issued_at":"2026-12-02T09:00:00Z","kind":"period","number":"INV-000013","part":0,"pins_hash":"sha256:65f313c4a9984bf168950006f38d6be18c5a8c337e846779d6e12dad1e34b819","rows":"sha256:2c88c445f5359880c2c3cd044e68608615ee170f087b31cff776ca72ac7ae83a","run":4}','sha256:04d49dd01f35975b41d70f7dc31ca7a433e0f7eabfbb0d362d5dafb1aedfd724','sha256:3269d0366fc85df9453b1aaac75853ea09149d002e7d7d0d8ac5440856a26bf2');
INSERT INTO "audit" VALUES(43,1796202000000000,'golden','invoice.issued','{"content_hash":"sha256:6b8056cb161a3c7e7abee0d548782c7a67f5fa9c2e3104f371f97062cbef4f1e","customer":"gil","id":14,"issued_at":"2026-12-02T09:00:00Z","kind":"credit-note","number":"INV-000014","part":1,"pins_hash":"sha256:65f313c4a9984bf168950006f38d6be18c5a8c337e846779d6e12dad1e34b819","rows":"sha256:eac543736f79d0ad8be16f91f741d1599c9bbea8ad1a636399d67b4c0b993ff2","run":4}','sha256:3269d0366fc85df9453b1aaac75853ea09149d002e7d7d0d8ac5440856a26bf2','sha256:cfc72183656a366bb49e6a97b633b9b6f03a3673b003a5f9c216c9c6e1f35aea');
INSERT INTO "audit" VALUES(44,1796202000000000,'golden','invoice.issued','{"content_hash":"sha256:5f83118f6d0c54941714274b30363b0a5d079b68dc10363cf9aabe7b89da1d4e","customer":"gil","id":15,"issued_at":"2026-12-02T09:00:00Z","kind":"period","number":"INV-000015","part":0,"pins_hash":"sha256:65f313c4a9984bf168950006f38d6be18c5a8c337e846779d6e12dad1e34b819","rows":"sha256:3f8f0d3cd80ec6fa06c4f0b958018d063c0cad436d9882547408da8e7b1c94cb","run":4}','sha256:cfc72183656a366bb49e6a97b633b9b6f03a3673b003a5f9c216c9c6e1f35aea','sha256:db057669e61e8a2a225df3f2ff2b7475df808d892315d231b0105aacdfcfec84');
INSERT INTO "audit" VALUES(45,1796202000000000,'golden','invoice.issued','{"content_hash":"sha256:846e5be2bdcc914a22f39fe740556cfd2e3ff95780d209133e95811c4d4d9635","customer":"hana","id":16,"issued_at":"2026-12-02T09:00:00Z","kind":"period","number":"INV-000016","part":0,"pins_hash":"sha256:65f313c4a9984bf168950006f38d6be18c5a8c337e846779d6e12dad1e34b819","rows":"sha256:0be177eeb5052823517814cdd5ecd1598b73211ec3fbdbcaff1c83e98341a545","run":4}','sha256:db057669e61e8a2a225df3f2ff2b7475df808d892315d231b0105aacdfcfec84','sha256:f507e7cee68078e7eae6b512a2d392cc4f644a3eebdae6c68c0423415795b091');
INSERT INTO "audit" VALUES(46,1796202000000000,'golden','invoice.issued','{"content_hash":"sha256:7a93e5941d1f4fcc592cf84735f4bb9ccb9ee51650765327645fdab718c77cb4","customer":"ines","id":17,"issued_at":"2026-12-02T09:00:00Z","kind":"period","number":"INV-000017","part":0,"pins_hash":"sha256:65f313c4a9984bf168950006f38d6be18c5a8c337e846779d6e12dad1e34b819","rows":"sha256:a94b6d1dcaba529c97676002ee3c7fb68b816e55ae4a317bc4e76369931380ec","run":4}','sha256:f507e7cee68078e7eae6b512a2d392cc4f644a3eebdae6c68c0423415795b091','sha256:868614049d3e75c083d646f0ace6f9ed7e424425b99011f48bad46a0d46af8e1');
INSERT INTO "audit" VALUES(47,1796202000000000,'golden','invoice.issued','{"content_hash":"sha256:ea7c7b757578073f54aa4be97eab0dd5defad261137ebd51b29e5fd7874a5395","customer":"oasis","id":18,"issued_at":"2026-12-02T09:00:00Z","kind":"period","number":"INV-000018","part":0,"pins_hash":"sha256:65f313c4a9984bf168950006f38d6be18c5a8c337e846779d6e12dad1e34b819","rows":"sha256:4f420ea9754b890d3866b8c1560fe5679788b7d62c7b5fac26cdd1d4fcf1ab22","run":4}','sha256:868614049d3e75c083d646f0ace6f9ed7e424425b99011f48bad46a0d46af8e1','sha256:c315770dbd85e26ea10ee435afc589dc00548dc4572e4c9c0eea0684e1032d7f');
INSERT INTO "audit" VALUES(48,1796202000000000,'golden','close.finished','{"is_complete":false,"issued":7,"left_over":45,"period":"2026-11","refused":1,"run":4}','sha256:c315770dbd85e26ea10ee435afc589dc00548dc4572e4c9c0eea0684e1032d7f','sha256:c1735ffd87345e9b81f2734545ba795be4f463006cb5e3ac64679baaf4274a9b');
INSERT INTO "audit" VALUES(49,1796202000000000,'rita','invoice.voided','{"number":"INV-000016","reason":"a test"}','sha256:c1735ffd87345e9b81f2734545ba795be4f463006cb5e3ac64679baaf4274a9b','sha256:12241c65501e5389a7e7faec7f4ff6487bf21d4daa4d0e87ec38c0096d632cae');
INSERT INTO "audit" VALUES(50,1796202000000000,'golden','close.started','{"asked":{"grace_seconds":0,"kind":"period","require_approval":false},"period":"2026-11","pins":{"a":"sha256:c7a3eb1598fd8622dc53870a44e3d5666ddf4be1788bde193b546af64ffade94","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":19,"m":4,"s":20,"time_zones":"2026.6"},"pricing":{"contract_set":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","folder":".","is_shipped":false},"run":5}','sha256:12241c65501e5389a7e7faec7f4ff6487bf21d4daa4d0e87ec38c0096d632cae','sha256:5e6e9b6be3e2fd414065ff70cb463db9255ad15e332ed9947617480544fe609b');
INSERT INTO "audit" VALUES(51,1796202000000000,'golden','invoice.issued','{"content_hash":"sha256:846e5be2bdcc914a22f39fe740556cfd2e3ff95780d209133e95811c4d4d9635","customer":"hana","id":19,"issued_at":"2026-12-02T09:00:00Z","kind":"period","number":"INV-000019","part":0,"pins_hash":"sha256:cdfb4d6df834322f682f8e5b1ea8cbbde7c4817bf1e2140588a3d7149d9bc08f","rows":"sha256:3c1ff7b9bf9f18f5ecd9b3ee21d36c882bb313ff10dd57a0928b0d1c7b6aca37","run":5}','sha256:5e6e9b6be3e2fd414065ff70cb463db9255ad15e332ed9947617480544fe609b','sha256:0723cb3d92f9b8a85c0d0e61ae1820fc12b1d96d1ad9410be653b86185ac0a97');
INSERT INTO "audit" VALUES(52,1796202000000000,'golden','close.finished','{"is_complete":false,"issued":1,"left_over":45,"period":"2026-11","refused":1,"run":5}','sha256:0723cb3d92f9b8a85c0d0e61ae1820fc12b1d96d1ad9410be653b86185ac0a97','sha256:965a8109d25f1f1d028ac1b08ce5f2b405cebdb529285ac39045aa4a6d02e7f0');
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
INSERT INTO "batch" VALUES(1,'python',1790931600000000,1,0,0,0,1789387200000000,1789387200000000,NULL,NULL,X'BD4E9D67E1E36BF51B8F64B479CD54B7523146218D435D94ACBD1D5986E5D883',1,1,0);
INSERT INTO "batch" VALUES(2,'python',1792486800000000,7,0,0,0,1790942400000000,1791374400000000,NULL,NULL,X'162F18C960F862F0390FBEB26F4283D44F04FE45874AF656BEE1A503667F4D4F',2,8,0);
INSERT INTO "batch" VALUES(3,'october',1793610000000000,24,0,0,0,1791201600000000,1793188800000000,NULL,NULL,X'B001A61086F9C396FA86A3123A3FE22B0A8B70C7850B4BD92A963CF895708AC3',9,32,0);
INSERT INTO "batch" VALUES(4,'again',1793610000000000,0,0,1,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1);
INSERT INTO "batch" VALUES(5,'decided',1794733200000000,3,0,0,1,1793534400000000,1793707200000000,NULL,NULL,X'55A0F6491B94BFD3C291E98BED3A58A3B8AF3C588B012949ED3502687D37CCF3',33,35,0);
INSERT INTO "batch" VALUES(6,'python',1794733200000000,0,0,2,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1);
INSERT INTO "batch" VALUES(7,'revision of arouter n1',1794733200000000,1,0,0,0,1793534400000000,1793534400000000,NULL,NULL,X'9E7C2CF1A359BA9DAA0EB28C697990A81014074A3C86A5FD7E9175F094F5D51B',36,36,0);
INSERT INTO "batch" VALUES(8,'waiver of arouter image',1794733200000000,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1);
INSERT INTO "batch" VALUES(9,'waiver of arouter none',1794733200000000,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1);
INSERT INTO "batch" VALUES(10,'python',1794733200000000,1,0,0,0,1793793600000000,1793793600000000,NULL,NULL,X'2760ED5B15C10B71603CC4164664A7FD74C8C3498A47170497E90E6663A421CE',37,37,0);
INSERT INTO "batch" VALUES(11,'python',1794733200000000,0,1,0,0,NULL,NULL,10,'capture',NULL,NULL,NULL,1);
INSERT INTO "batch" VALUES(12,'retraction of record wrong of arouter',1794733200000000,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1);
INSERT INTO "batch" VALUES(13,'staged 0',1794733200000000,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1);
INSERT INTO "batch" VALUES(14,'staged 1',1794733200000000,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1);
INSERT INTO "batch" VALUES(15,'staged 1',1794733200000000,1,0,0,0,1793966400000000,1793966400000000,14,NULL,X'D99CAB67F3B8A40B6849FD64ABE9471F2D0AF8B4F14FEBD0ECF2D28781284E15',38,38,0);
INSERT INTO "batch" VALUES(16,'python',1795165200000000,51,0,0,0,1793275200000000,1795093200000000,NULL,NULL,X'4E094805B3976C5C3D544D220231D17ECC016732FBE44597534163CC8E288D11',39,89,1);
INSERT INTO "batch" VALUES(17,'retraction of record gil-28 of arouter',1795165200000000,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1);
INSERT INTO "batch" VALUES(18,'retraction of record hana-12 of arouter',1795165200000000,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1);
INSERT INTO "batch" VALUES(19,'totals 7',1796115600000000,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1);
INSERT INTO "batch" VALUES(20,'totals 8',1796115600000000,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1);
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
INSERT INTO "close_run" VALUES(1,'2026-09','done',1,'{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:fa48eb86d3cd57b154faac981c8672791c6cfea3b60e7d874970720497809830","f":5,"l":0,"m":0,"s":1,"time_zones":"2026.6"}',1790931600000000,1790931600000000,'{"grace_seconds":0,"kind":"period","require_approval":false}',0);
INSERT INTO "close_run" VALUES(2,'2026-10','done',1,'{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:fa48eb86d3cd57b154faac981c8672791c6cfea3b60e7d874970720497809830","f":5,"l":2,"m":0,"s":2,"time_zones":"2026.6"}',1792486800000000,1792486800000000,'{"grace_seconds":0,"kind":"interim","require_approval":false}',7);
INSERT INTO "close_run" VALUES(3,'2026-10','done',1,'{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":3,"m":0,"s":4,"time_zones":"2026.6"}',1793610000000000,1793610000000000,'{"grace_seconds":0,"kind":"period","require_approval":false}',1);
INSERT INTO "close_run" VALUES(4,'2026-11','done',1,'{"a":"sha256:c7a3eb1598fd8622dc53870a44e3d5666ddf4be1788bde193b546af64ffade94","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":11,"m":4,"s":20,"time_zones":"2026.6"}',1796202000000000,1796202000000000,'{"grace_seconds":0,"kind":"period","require_approval":false}',45);
INSERT INTO "close_run" VALUES(5,'2026-11','done',1,'{"a":"sha256:c7a3eb1598fd8622dc53870a44e3d5666ddf4be1788bde193b546af64ffade94","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":19,"m":4,"s":20,"time_zones":"2026.6"}',1796202000000000,1796202000000000,'{"grace_seconds":0,"kind":"period","require_approval":false}',45);
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
INSERT INTO "control_total" VALUES(X'5939E629AC5D2B182FF0E0B552A65506',1,X'54D50431018C2D2A12D74C950BC272D7',19,'arouter','2026-11-11','control-totals',NULL,NULL,NULL,NULL,'',7,NULL,NULL);
INSERT INTO "control_total" VALUES(X'5939E629AC5D2B182FF0E0B552A65506',2,X'2BC94CFE227F7A967C6BBA94EB5624C2',20,'arouter','2026-11-11','control-totals',NULL,NULL,NULL,NULL,'',8,NULL,NULL);
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
INSERT INTO "control_total_withdrawal" VALUES(X'5939E629AC5D2B182FF0E0B552A65506',2,'rita','a slip',1796115600000000);
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
INSERT INTO "correction" VALUES(12,'2026-10','acme','USD',4,0,0);
INSERT INTO "correction" VALUES(13,'2026-10','finn','USD',6,400,0);
INSERT INTO "correction" VALUES(14,'2026-10','gil','USD',7,-720,-137);
INSERT INTO "correction" VALUES(16,'2026-10','hana','USD',8,-72,-14);
INSERT INTO "correction" VALUES(17,'2026-10','ines','USD',9,400,0);
INSERT INTO "correction" VALUES(19,'2026-10','hana','USD',8,-72,-14);
CREATE TABLE counter (
	name TEXT NOT NULL, 
	value INTEGER NOT NULL, 
	CONSTRAINT pk_counter PRIMARY KEY (name)
)
 STRICT

;
INSERT INTO "counter" VALUES('batch',20);
INSERT INTO "counter" VALUES('binding',1);
INSERT INTO "counter" VALUES('review',2);
INSERT INTO "counter" VALUES('audit',52);
INSERT INTO "counter" VALUES('invoice',19);
INSERT INTO "counter" VALUES('document',20);
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
INSERT INTO "coverage" VALUES(1,1,1788213600000000,1790805600000000,0,1,NULL,'','');
INSERT INTO "coverage" VALUES(3,1,1790805600000000,1793487600000000,0,2,NULL,'','');
INSERT INTO "coverage" VALUES(3,2,1790805600000000,1793487600000000,0,2,NULL,'','');
INSERT INTO "coverage" VALUES(3,3,1790805600000000,1793487600000000,0,2,NULL,'','');
INSERT INTO "coverage" VALUES(3,4,1790805600000000,1793487600000000,0,2,NULL,'','');
INSERT INTO "coverage" VALUES(4,1,1790805600000000,1793487600000000,0,4,NULL,'','');
INSERT INTO "coverage" VALUES(4,2,1790805600000000,1793487600000000,0,4,NULL,'','');
INSERT INTO "coverage" VALUES(4,3,1790805600000000,1793487600000000,0,4,NULL,'','');
INSERT INTO "coverage" VALUES(4,4,1790805600000000,1793487600000000,0,4,NULL,'','');
INSERT INTO "coverage" VALUES(4,5,1790805600000000,1793487600000000,0,4,'acme lab','','');
INSERT INTO "coverage" VALUES(4,6,1790805600000000,1793487600000000,0,4,'acme lab','','');
INSERT INTO "coverage" VALUES(4,7,1790805600000000,1793487600000000,0,4,NULL,'','');
INSERT INTO "coverage" VALUES(4,8,1790805600000000,1793487600000000,0,4,NULL,'','');
INSERT INTO "coverage" VALUES(5,11,1790812800000000,1793491200000000,0,4,NULL,'','');
INSERT INTO "coverage" VALUES(6,14,1790812800000000,1793491200000000,0,4,NULL,'','');
INSERT INTO "coverage" VALUES(7,12,1790812800000000,1793491200000000,0,4,NULL,'','');
INSERT INTO "coverage" VALUES(8,13,1790812800000000,1793491200000000,0,4,NULL,'','');
INSERT INTO "coverage" VALUES(9,15,1790812800000000,1793491200000000,0,4,NULL,'','');
INSERT INTO "coverage" VALUES(10,9,1790812800000000,1793491200000000,0,4,NULL,'','');
INSERT INTO "coverage" VALUES(11,10,1790812800000000,1793491200000000,0,4,NULL,'','');
INSERT INTO "coverage" VALUES(12,1,1790805600000000,1793487600000000,0,4,NULL,'2026-10','acme');
INSERT INTO "coverage" VALUES(12,2,1790805600000000,1793487600000000,0,4,NULL,'2026-10','acme');
INSERT INTO "coverage" VALUES(12,3,1790805600000000,1793487600000000,0,4,NULL,'2026-10','acme');
INSERT INTO "coverage" VALUES(12,4,1790805600000000,1793487600000000,0,4,NULL,'2026-10','acme');
INSERT INTO "coverage" VALUES(12,5,1790805600000000,1793487600000000,0,4,'acme lab','2026-10','acme');
INSERT INTO "coverage" VALUES(12,6,1790805600000000,1793487600000000,0,4,'acme lab','2026-10','acme');
INSERT INTO "coverage" VALUES(12,7,1790805600000000,1793487600000000,0,4,NULL,'2026-10','acme');
INSERT INTO "coverage" VALUES(12,8,1790805600000000,1793487600000000,0,4,NULL,'2026-10','acme');
INSERT INTO "coverage" VALUES(13,14,1793491200000000,1796083200000000,0,20,NULL,'','');
INSERT INTO "coverage" VALUES(13,14,1790812800000000,1793491200000000,0,4,NULL,'2026-10','finn');
INSERT INTO "coverage" VALUES(14,12,1790812800000000,1793491200000000,0,4,NULL,'2026-10','gil');
INSERT INTO "coverage" VALUES(15,12,1793491200000000,1796083200000000,0,20,NULL,'','');
INSERT INTO "coverage" VALUES(16,13,1793491200000000,1796083200000000,0,20,NULL,'','');
INSERT INTO "coverage" VALUES(16,13,1790812800000000,1793491200000000,0,4,NULL,'2026-10','hana');
INSERT INTO "coverage" VALUES(17,15,1793491200000000,1796083200000000,0,20,NULL,'','');
INSERT INTO "coverage" VALUES(17,15,1790812800000000,1793491200000000,0,4,NULL,'2026-10','ines');
INSERT INTO "coverage" VALUES(19,13,1793491200000000,1796083200000000,0,20,NULL,'','');
INSERT INTO "coverage" VALUES(19,13,1790812800000000,1793491200000000,0,4,NULL,'2026-10','hana');
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
INSERT INTO "document_event" VALUES(11,11,'issued',1793610000000000,'golden','');
INSERT INTO "document_event" VALUES(12,12,'issued',1796202000000000,'golden','');
INSERT INTO "document_event" VALUES(13,13,'issued',1796202000000000,'golden','');
INSERT INTO "document_event" VALUES(14,14,'issued',1796202000000000,'golden','');
INSERT INTO "document_event" VALUES(15,15,'issued',1796202000000000,'golden','');
INSERT INTO "document_event" VALUES(16,16,'issued',1796202000000000,'golden','');
INSERT INTO "document_event" VALUES(17,17,'issued',1796202000000000,'golden','');
INSERT INTO "document_event" VALUES(18,18,'issued',1796202000000000,'golden','');
INSERT INTO "document_event" VALUES(19,16,'void',1796202000000000,'rita','a test');
INSERT INTO "document_event" VALUES(20,19,'issued',1796202000000000,'golden','');
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
INSERT INTO "invoice" VALUES(1,'INV-000001','acme','2026-09','issued','USD',200,0,200,CAST('{"corrects":null,"cost":null,"currency":"USD","customer":"acme","daily":[{"day":"2026-09-14","exact_amount":"2","requests":1}],"due":"0.00","form":2,"items":[{"amount":"-2.00","kind":"credit","name":"goodwill","of":"12.50"}],"kind":"period","lines":[{"amount":"2.00","description":"acme/large","exact_amount":"2","kind":"usage","list_amount":"5.1","mode":"standard","model":"acme/large","parts":[{"exact_amount":"2","fx":"1","multiplier":"1","quantities":{"input":1500000,"output":40000},"requests":1,"rule_tier":"up to 5,000,000","steps":[{"amount":"1.4","kind":"rate","name":"input","per":1000000,"quantity":500000,"rate":"2.8"},{"amount":"0.6","kind":"rate","name":"output","per":1000000,"quantity":40000,"rate":"15"},{"amount":"0","kind":"included","name":"input","per":1,"quantity":1000000,"rate":"0"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":1500000,"output":40000},"requests":1,"rule":"large by volume used","rule_contract":"customer acme","rule_hash":"sha256:a19727f0cfd07ef8f75c308ca9f2452f97622368f2dd51d899f7511dc5f63d85"}],"missing":[],"period":"2026-09","period_end":"2026-09-30T22:00:00Z","period_start":"2026-08-31T22:00:00Z","requests_without_cost":1,"subtotal":"2.00","tax":"0.00","total":"2.00","unpriced":[],"waived":[]}' AS BLOB),'sha256:31a516d2d39e1cd2ce4a013f19ac717dec1d0aed04855bc66880c74d4e2da4c3','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:fa48eb86d3cd57b154faac981c8672791c6cfea3b60e7d874970720497809830","f":5,"l":0,"m":0,"s":1,"time_zones":"2026.6"}',1790931600000000,1,'period',0);
INSERT INTO "invoice" VALUES(2,'INV-000002','gil','2026-09','issued','USD',200,38,238,CAST('{"corrects":null,"cost":null,"currency":"USD","customer":"gil","daily":[],"due":"2.38","form":2,"items":[{"amount":"2.00","kind":"minimum","name":"minimum commitment","of":"2.00"},{"amount":"0.38","kind":"tax","name":"VAT","of":"2.00","percent":"19"}],"kind":"period","lines":[],"missing":[],"period":"2026-09","period_end":"2026-10-01T00:00:00Z","period_start":"2026-09-01T00:00:00Z","requests_without_cost":0,"subtotal":"0.00","tax":"0.38","total":"2.38","unpriced":[],"waived":[]}' AS BLOB),'sha256:06a4ddc284112626f1b70e104d9f654e13498a2ca02dbf4675ced60eab80c0ae','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:fa48eb86d3cd57b154faac981c8672791c6cfea3b60e7d874970720497809830","f":5,"l":0,"m":0,"s":1,"time_zones":"2026.6"}',1790931600000000,1,'period',0);
INSERT INTO "invoice" VALUES(3,'INV-000003','acme','2026-10','issued','USD',2662,546,3208,CAST('{"corrects":null,"cost":"15.8011","currency":"USD","customer":"acme","daily":[{"day":"2026-10-02","exact_amount":"8.6","requests":1},{"day":"2026-10-03","exact_amount":"8.05","requests":1},{"day":"2026-10-04","exact_amount":"0.002","requests":1},{"day":"2026-10-05","exact_amount":"0.004","requests":2},{"day":"2026-10-06","exact_amount":"0.55","requests":1},{"day":"2026-10-07","exact_amount":"0.41","requests":1}],"due":"0.00","form":2,"items":[{"amount":"5.06","kind":"tax","name":"VAT","of":"26.62","percent":"19"},{"amount":"0.40","kind":"tax","name":"city levy","of":"26.62","percent":"1.5"},{"amount":"-10.50","kind":"credit","name":"goodwill","of":"10.50"},{"amount":"-21.58","kind":"credit","name":"prepaid 2026","of":"100.00"}],"kind":"interim","lines":[{"amount":"0.00","description":"acme/image","exact_amount":"0.002","kind":"usage","list_amount":"6.502","mode":"standard","model":"acme/image","parts":[{"exact_amount":"0.002","fx":"1","multiplier":"1","quantities":{"image":130,"input":2000},"requests":1,"steps":[{"amount":"0.002","kind":"rate","name":"input","per":1000000,"quantity":2000,"rate":"1"}],"tier":null,"window":null}],"price_entry":"sha256:aaf40edcb1cea831b36b9c8a230826ddb63362e3b998f26f6e5310c20c1c73be","quantities":{"image":130,"input":2000},"requests":1,"rule":"images by the hundred","rule_contract":"customer acme","rule_hash":"sha256:90001113956b5adecce236e1bf91fe206984b39819fe0187f5cb2fd8d01ca115"},{"amount":"16.65","description":"acme/large","exact_amount":"16.65","kind":"usage","list_amount":"20.55","mode":"standard","model":"acme/large","parts":[{"exact_amount":"16.65","fx":"1","multiplier":"1","quantities":{"cache_read":1000000,"input":5500000,"output":250000},"requests":2,"rule_tier":"up to 5,000,000","steps":[{"amount":"12.6","kind":"rate","name":"input","per":1000000,"quantity":4500000,"rate":"2.8"},{"amount":"0.3","kind":"rate","name":"cache_read","per":1000000,"quantity":1000000,"rate":"0.3"},{"amount":"3.75","kind":"rate","name":"output","per":1000000,"quantity":250000,"rate":"15"},{"amount":"0","kind":"included","name":"input","per":1,"quantity":1000000,"rate":"0"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"cache_read":1000000,"input":5500000,"output":250000},"requests":2,"rule":"large by volume used","rule_contract":"customer acme","rule_hash":"sha256:a19727f0cfd07ef8f75c308ca9f2452f97622368f2dd51d899f7511dc5f63d85"},{"amount":"0.01","description":"acme/small","exact_amount":"0.004","kind":"usage","list_amount":"0.001314","mode":"standard","model":"acme/small","parts":[{"exact_amount":"0.004","fx":"1","multiplier":"1","quantities":{"input":9100,"output":1010},"requests":2,"steps":[{"amount":"0.00091","kind":"rate","name":"input","per":1000000,"quantity":9100,"rate":"0.1"},{"amount":"0.000404","kind":"rate","name":"output","per":1000000,"quantity":1010,"rate":"0.4"},{"amount":"0.000657","kind":"markup","name":"default","of_amount":"0.001314","percent":"50"},{"amount":"0.002029","kind":"credits","name":"spark","per":1,"quantity":2,"rate":"0.002"}],"tier":null,"window":null}],"price_entry":"sha256:d66a88afd077bb68d6ae374c38c69402b3c1d0596375325c98825de1ff012243","quantities":{"input":9100,"output":1010},"requests":2,"rule":"small in sparks","rule_contract":"customer acme","rule_hash":"sha256:5f5f5870a64a76388fd3d33d58861839dbad691bce96152a58862228a545cc6b"},{"amount":"0.96","description":"acme/thin","exact_amount":"0.96","kind":"usage","list_amount":"0.82","mode":"standard","model":"acme/thin","parts":[{"exact_amount":"0.96","fx":"1","multiplier":"1","quantities":{"input":800000,"output":20000},"requests":2,"steps":[{"amount":"0.8","kind":"rate","name":"input","per":1000000,"quantity":800000,"rate":"1"},{"amount":"0.02","kind":"rate","name":"output","per":1000000,"quantity":20000,"rate":"1"},{"amount":"0.14","kind":"margin","name":"floor","percent":"10"}],"tier":null,"window":null}],"price_entry":"sha256:8144d7a1e124218b514333e1eec7940e4a7dd2851341d38c26bebe5a7cd71c55","quantities":{"input":800000,"output":20000},"requests":2,"rule":"never below cost","rule_contract":"customer acme","rule_hash":"sha256:bb5df5b2609dd56c19411765209494ef51414eea7f48f743856914e34c1c3bda"},{"amount":"9.00","charge":{"name":"image","quantity":2,"rate":"4.5","size":100,"units":130},"description":"image, packages of 100","exact_amount":"9","kind":"package","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":"images by the hundred","rule_contract":"customer acme","rule_hash":"sha256:90001113956b5adecce236e1bf91fe206984b39819fe0187f5cb2fd8d01ca115"}],"missing":[],"period":"2026-10","period_end":"2026-10-31T23:00:00Z","period_start":"2026-09-30T22:00:00Z","requests_without_cost":0,"subtotal":"26.62","tax":"5.46","total":"32.08","unpriced":[],"waived":[]}' AS BLOB),'sha256:83e9ef3fdd3310e6b55b32e90f549330f68e224507b265dcabcd3b91e241fb6d','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:fa48eb86d3cd57b154faac981c8672791c6cfea3b60e7d874970720497809830","f":5,"l":2,"m":0,"s":2,"time_zones":"2026.6"}',1792486800000000,2,'interim',1);
INSERT INTO "invoice" VALUES(4,'INV-000004','acme','2026-10','issued','USD',27338,5604,32942,CAST('{"corrects":null,"cost":"39.3011","currency":"USD","customer":"acme","daily":[{"day":"2026-10-02","exact_amount":"8.6","requests":1},{"day":"2026-10-03","exact_amount":"8.05","requests":1},{"day":"2026-10-04","exact_amount":"0.002","requests":1},{"day":"2026-10-05","exact_amount":"0.004","requests":2},{"day":"2026-10-06","exact_amount":"0.55","requests":1},{"day":"2026-10-07","exact_amount":"0.41","requests":1},{"day":"2026-10-22","exact_amount":"10.775","requests":1},{"day":"2026-10-23","exact_amount":"6.84","requests":2},{"day":"2026-10-24","exact_amount":"0","requests":1},{"day":"2026-10-25","exact_amount":"0.2","requests":1},{"day":"2026-10-26","exact_amount":"0.065","requests":1}],"due":"51.00","form":2,"items":[{"amount":"-18.78","kind":"coupon","name":"launch-10","of":"187.75","percent":"10"},{"amount":"-5.00","kind":"coupon","name":"sorry","of":"168.97"},{"amount":"136.03","kind":"minimum","name":"committed spend","of":"300.00"},{"amount":"-26.62","kind":"invoiced","name":"interim invoice 1"},{"amount":"51.94","invoiced":"5.06","kind":"tax","name":"VAT","of":"300.00","percent":"19"},{"amount":"4.10","invoiced":"0.40","kind":"tax","name":"city levy","of":"300.00","percent":"1.5"},{"amount":"-78.42","kind":"credit","name":"prepaid 2026","of":"78.42"},{"amount":"-200.00","kind":"credit","name":"sparks","of":"200.00"}],"kind":"period","lines":[{"amount":"0.00","description":"acme/image","exact_amount":"0.002","kind":"usage","list_amount":"10.252","mode":"standard","model":"acme/image","parts":[{"exact_amount":"0.002","fx":"1","multiplier":"1","quantities":{"image":205,"input":2000},"requests":2,"steps":[{"amount":"0.002","kind":"rate","name":"input","per":1000000,"quantity":2000,"rate":"1"}],"tier":null,"window":null}],"price_entry":"sha256:aaf40edcb1cea831b36b9c8a230826ddb63362e3b998f26f6e5310c20c1c73be","quantities":{"image":205,"input":2000},"requests":2,"rule":"images by the hundred","rule_contract":"customer acme","rule_hash":"sha256:90001113956b5adecce236e1bf91fe206984b39819fe0187f5cb2fd8d01ca115"},{"amount":"27.43","description":"acme/large","exact_amount":"27.425","kind":"usage","list_amount":"34.05","mode":"standard","model":"acme/large","parts":[{"exact_amount":"19.55","fx":"1","multiplier":"1","quantities":{"cache_read":1000000,"input":6000000,"output":350000},"requests":3,"rule_tier":"up to 5,000,000","steps":[{"amount":"14","kind":"rate","name":"input","per":1000000,"quantity":5000000,"rate":"2.8"},{"amount":"0.3","kind":"rate","name":"cache_read","per":1000000,"quantity":1000000,"rate":"0.3"},{"amount":"5.25","kind":"rate","name":"output","per":1000000,"quantity":350000,"rate":"15"},{"amount":"0","kind":"included","name":"input","per":1,"quantity":1000000,"rate":"0"}],"tier":null,"window":null},{"exact_amount":"7.875","fx":"1","multiplier":"1","quantities":{"input":3500000},"requests":0,"rule_tier":"above 5,000,000","steps":[{"amount":"7.875","kind":"rate","name":"input","per":1000000,"quantity":3500000,"rate":"2.25"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"cache_read":1000000,"input":9500000,"output":350000},"requests":3,"rule":"large by volume used","rule_contract":"customer acme","rule_hash":"sha256:a19727f0cfd07ef8f75c308ca9f2452f97622368f2dd51d899f7511dc5f63d85"},{"amount":"0.00","description":"acme/small","exact_amount":"0.004","kind":"usage","list_amount":"0.001314","mode":"standard","model":"acme/small","parts":[{"exact_amount":"0.004","fx":"1","multiplier":"1","quantities":{"input":9100,"output":1010},"requests":2,"steps":[{"amount":"0.00091","kind":"rate","name":"input","per":1000000,"quantity":9100,"rate":"0.1"},{"amount":"0.000404","kind":"rate","name":"output","per":1000000,"quantity":1010,"rate":"0.4"},{"amount":"0.000657","kind":"markup","name":"default","of_amount":"0.001314","percent":"50"},{"amount":"0.002029","kind":"credits","name":"spark","per":1,"quantity":2,"rate":"0.002"}],"tier":null,"window":null}],"price_entry":"sha256:d66a88afd077bb68d6ae374c38c69402b3c1d0596375325c98825de1ff012243","quantities":{"input":9100,"output":1010},"requests":2,"rule":"small in sparks","rule_contract":"customer acme","rule_hash":"sha256:5f5f5870a64a76388fd3d33d58861839dbad691bce96152a58862228a545cc6b"},{"amount":"0.96","description":"acme/thin","exact_amount":"0.96","kind":"usage","list_amount":"0.82","mode":"standard","model":"acme/thin","parts":[{"exact_amount":"0.96","fx":"1","multiplier":"1","quantities":{"input":800000,"output":20000},"requests":2,"steps":[{"amount":"0.8","kind":"rate","name":"input","per":1000000,"quantity":800000,"rate":"1"},{"amount":"0.02","kind":"rate","name":"output","per":1000000,"quantity":20000,"rate":"1"},{"amount":"0.14","kind":"margin","name":"floor","percent":"10"}],"tier":null,"window":null}],"price_entry":"sha256:8144d7a1e124218b514333e1eec7940e4a7dd2851341d38c26bebe5a7cd71c55","quantities":{"input":800000,"output":20000},"requests":2,"rule":"never below cost","rule_contract":"customer acme","rule_hash":"sha256:bb5df5b2609dd56c19411765209494ef51414eea7f48f743856914e34c1c3bda"},{"amount":"0.27","description":"other/model","exact_amount":"0.265","kind":"usage","list_amount":"4.95","mode":"standard","model":"other/model","parts":[{"exact_amount":"0.065","fx":"1","multiplier":"1","quantities":{"input":100000,"output":10000},"requests":1,"steps":[{"amount":"0.3","kind":"rate","name":"input","per":1000000,"quantity":100000,"rate":"3"},{"amount":"0.15","kind":"rate","name":"output","per":1000000,"quantity":10000,"rate":"15"},{"amount":"0.06","kind":"markup","name":"default","of_amount":"0.3","percent":"20"},{"amount":"0.045","kind":"markup","name":"output","of_amount":"0.15","percent":"30"},{"amount":"0.01","kind":"add_on","name":"request","per":1,"quantity":1,"rate":"0.01"},{"amount":"-0.5","kind":"allowance","name":"amount"}],"tier":null,"window":null},{"exact_amount":"0.2","fx":"1","multiplier":"1","quantities":{"input":1000000,"output":100000},"requests":1,"steps":[{"amount":"0.2","kind":"byok_fee","name":"cost","of_amount":"4","percent":"5"}],"tier":null,"window":null}],"price_entry":"sha256:5c3bb761bde982bf642e1bf10802f4bfb1a7e9398ae4ca5b663d2562fd4e0f13","quantities":{"input":1100000,"output":110000},"requests":2,"rule":"everything else","rule_contract":"customer acme","rule_hash":"sha256:2d92c718c00050050a896611bedc4bab4b40a7a86642a48d94c1697c9105b7d9"},{"amount":"6.75","customer":"acme lab","description":"acme/large","exact_amount":"6.75","kind":"usage","list_amount":"7.5","mode":"standard","model":"acme/large","parts":[{"exact_amount":"6.75","fx":"1","multiplier":"1","quantities":{"input":2000000,"output":100000},"requests":1,"steps":[{"amount":"6","kind":"rate","name":"input","per":1000000,"quantity":2000000,"rate":"3"},{"amount":"1.5","kind":"rate","name":"output","per":1000000,"quantity":100000,"rate":"15"},{"amount":"-0.75","kind":"markup","name":"default","of_amount":"7.5","percent":"-10"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":2000000,"output":100000},"requests":1,"rule":"lab","rule_contract":"customer acme lab","rule_hash":"sha256:6b1b7076839fff28ac75c83f550ec5be679f3802ee6b0840cfe0b44bd91af8f6"},{"amount":"0.09","customer":"acme lab","description":"acme/small","exact_amount":"0.09","kind":"usage","list_amount":"0.1","mode":"standard","model":"acme/small","parts":[{"exact_amount":"0.09","fx":"1","multiplier":"1","quantities":{"input":1000000},"requests":1,"steps":[{"amount":"0.1","kind":"rate","name":"input","per":1000000,"quantity":1000000,"rate":"0.1"},{"amount":"-0.01","kind":"markup","name":"default","of_amount":"0.1","percent":"-10"}],"tier":null,"window":null}],"price_entry":"sha256:d66a88afd077bb68d6ae374c38c69402b3c1d0596375325c98825de1ff012243","quantities":{"input":1000000},"requests":1,"rule":"lab","rule_contract":"customer acme lab","rule_hash":"sha256:6b1b7076839fff28ac75c83f550ec5be679f3802ee6b0840cfe0b44bd91af8f6"},{"amount":"13.50","charge":{"name":"image","quantity":3,"rate":"4.5","size":100,"units":205},"description":"image, packages of 100","exact_amount":"13.5","kind":"package","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":"images by the hundred","rule_contract":"customer acme","rule_hash":"sha256:90001113956b5adecce236e1bf91fe206984b39819fe0187f5cb2fd8d01ca115"},{"amount":"7.50","charge":{"name":"above 5,000,000","quantity":1,"rate":"7.5"},"description":"flat amount, above 5,000,000","exact_amount":"7.5","kind":"flat","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":"large by volume used","rule_contract":"customer acme","rule_hash":"sha256:a19727f0cfd07ef8f75c308ca9f2452f97622368f2dd51d899f7511dc5f63d85"},{"amount":"67.06","charge":{"name":"platform fee","of_days":31,"quantity":21,"rate":"99"},"description":"platform fee","exact_amount":"67.06","kind":"base_fee","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"64.19","charge":{"name":"platform fee, larger","of_days":31,"quantity":10,"rate":"199"},"description":"platform fee, larger","exact_amount":"64.19","kind":"base_fee","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-10","period_end":"2026-10-31T23:00:00Z","period_start":"2026-09-30T22:00:00Z","requests_without_cost":0,"subtotal":"187.75","tax":"56.04","total":"329.42","unpriced":[],"waived":[]}' AS BLOB),'sha256:50516f7084d9d9d793f503c8eee35e6170a1eecfd1ca977479efd86d6dabe25f','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":3,"m":0,"s":4,"time_zones":"2026.6"}',1793610000000000,3,'period',0);
INSERT INTO "invoice" VALUES(5,'INV-000005','dora','2026-10','issued','USD',1350,0,1350,CAST('{"corrects":null,"cost":"0.6","currency":"USD","customer":"dora","daily":[{"day":"2026-10-05","exact_amount":"1.5","requests":1},{"day":"2026-10-12","exact_amount":"3.6","requests":1},{"day":"2026-10-28","exact_amount":"8.4","requests":1}],"due":"9.50","form":2,"items":[{"amount":"-4.00","kind":"credit","name":"monthly@2026-10","of":"4.00"}],"kind":"period","lines":[{"amount":"13.50","description":"acme/large","exact_amount":"13.5","kind":"usage","list_amount":"13.5","mode":"standard","model":"acme/large","parts":[{"exact_amount":"13.5","fx":"1","multiplier":"1","quantities":{"input":4500000},"requests":3,"steps":[{"amount":"13.5","kind":"rate","name":"input","per":1000000,"quantity":4500000,"rate":"3"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":4500000},"requests":3,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-10","period_end":"2026-11-01T00:00:00Z","period_start":"2026-10-01T00:00:00Z","requests_without_cost":0,"subtotal":"13.50","tax":"0.00","total":"13.50","unpriced":[],"waived":[]}' AS BLOB),'sha256:7dc3ba2afe693e5c23577d56bbf29ad105beb55550ca87fed30aa3cbd7b8558d','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":3,"m":0,"s":4,"time_zones":"2026.6"}',1793610000000000,3,'period',0);
INSERT INTO "invoice" VALUES(6,'INV-000006','finn','2026-10','issued','USD',13350,0,13350,CAST('{"corrects":null,"cost":"0.6","currency":"USD","customer":"finn","daily":[{"day":"2026-10-05","exact_amount":"1.5","requests":1},{"day":"2026-10-12","exact_amount":"3.6","requests":1},{"day":"2026-10-28","exact_amount":"8.4","requests":1}],"due":"133.50","form":2,"items":[{"amount":"0.00","before":"0.00","drawn":"13.50","ends":"2026-12-01","kind":"commitment","name":"commitment","of":"60.00","over":"0.00","starts":"2026-10-01"}],"kind":"period","lines":[{"amount":"13.50","by":{"user":"finn"},"description":"acme/large, user finn","exact_amount":"13.5","kind":"usage","list_amount":"13.5","mode":"standard","model":"acme/large","parts":[{"exact_amount":"13.5","fx":"1","multiplier":"1","quantities":{"input":4500000},"requests":3,"steps":[{"amount":"13.5","kind":"rate","name":"input","per":1000000,"quantity":4500000,"rate":"3"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":4500000},"requests":3,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"120.00","charge":{"name":"base fee","of_days":365,"quantity":365,"rate":"120","year_from":"2026-10-10"},"description":"base fee","exact_amount":"120","kind":"base_fee","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-10","period_end":"2026-11-01T00:00:00Z","period_start":"2026-10-01T00:00:00Z","requests_without_cost":0,"subtotal":"133.50","tax":"0.00","total":"133.50","unpriced":[],"waived":[]}' AS BLOB),'sha256:f921f0f2274efb151d0d266aaded70a96c4a3139d43831c9f35f2e40cfe01b26','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":3,"m":0,"s":4,"time_zones":"2026.6"}',1793610000000000,3,'period',0);
INSERT INTO "invoice" VALUES(7,'INV-000007','gil','2026-10','issued','USD',1350,257,1607,CAST('{"corrects":null,"cost":"0.6","currency":"USD","customer":"gil","daily":[{"day":"2026-10-05","exact_amount":"1.5","requests":1},{"day":"2026-10-12","exact_amount":"3.6","requests":1},{"day":"2026-10-28","exact_amount":"8.4","requests":1}],"due":"16.07","form":2,"items":[{"amount":"2.57","kind":"tax","name":"VAT","of":"13.50","percent":"19"}],"kind":"period","lines":[{"amount":"13.50","description":"acme/large","exact_amount":"13.5","kind":"usage","list_amount":"13.5","mode":"standard","model":"acme/large","parts":[{"exact_amount":"13.5","fx":"1","multiplier":"1","quantities":{"input":4500000},"requests":3,"steps":[{"amount":"13.5","kind":"rate","name":"input","per":1000000,"quantity":4500000,"rate":"3"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":4500000},"requests":3,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-10","period_end":"2026-11-01T00:00:00Z","period_start":"2026-10-01T00:00:00Z","requests_without_cost":0,"subtotal":"13.50","tax":"2.57","total":"16.07","unpriced":[],"waived":[]}' AS BLOB),'sha256:d666f0d06054c84b44a8ce0a54d32020aa085a4bd8964c65ed5ef99ad92a20c9','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":3,"m":0,"s":4,"time_zones":"2026.6"}',1793610000000000,3,'period',0);
INSERT INTO "invoice" VALUES(8,'INV-000008','hana','2026-10','issued','USD',1215,231,1446,CAST('{"corrects":null,"cost":"0.6","currency":"USD","customer":"hana","daily":[{"day":"2026-10-05","exact_amount":"1.5","requests":1},{"day":"2026-10-12","exact_amount":"3.6","requests":1},{"day":"2026-10-28","exact_amount":"8.4","requests":1}],"due":"19.46","form":2,"items":[{"amount":"-1.35","kind":"coupon","name":"ten","of":"13.50","percent":"10"},{"amount":"2.31","kind":"tax","name":"VAT","of":"12.15","percent":"19"},{"amount":"5.00","day":"2026-10-01","kind":"balance","name":"opening balance","opening":"old","reason":"from the old system"}],"kind":"period","lines":[{"amount":"13.50","description":"acme/large","exact_amount":"13.5","kind":"usage","list_amount":"13.5","mode":"standard","model":"acme/large","parts":[{"exact_amount":"13.5","fx":"1","multiplier":"1","quantities":{"input":4500000},"requests":3,"steps":[{"amount":"13.5","kind":"rate","name":"input","per":1000000,"quantity":4500000,"rate":"3"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":4500000},"requests":3,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-10","period_end":"2026-11-01T00:00:00Z","period_start":"2026-10-01T00:00:00Z","requests_without_cost":0,"subtotal":"13.50","tax":"2.31","total":"14.46","unpriced":[],"waived":[]}' AS BLOB),'sha256:900cd2f2751a70187465262f83fbe869fcd30165cc7731aa3a378f06daa753e4','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":3,"m":0,"s":4,"time_zones":"2026.6"}',1793610000000000,3,'period',0);
INSERT INTO "invoice" VALUES(9,'INV-000009','ines','2026-10','issued','USD',1350,0,1350,CAST('{"corrects":null,"cost":"0.6","currency":"USD","customer":"ines","daily":[{"day":"2026-10-05","exact_amount":"1.5","requests":1},{"day":"2026-10-12","exact_amount":"3.6","requests":1},{"day":"2026-10-28","exact_amount":"8.4","requests":1}],"due":"13.50","form":2,"items":[{"amount":"0.00","before":"0.00","drawn":"13.50","ends":"2026-12-01","kind":"commitment","name":"commitment","of":"20.00","over":"0.00","starts":"2026-10-01"}],"kind":"period","lines":[{"amount":"13.50","description":"acme/large","exact_amount":"13.5","kind":"usage","list_amount":"13.5","mode":"standard","model":"acme/large","parts":[{"exact_amount":"13.5","fx":"1","multiplier":"1","quantities":{"input":4500000},"requests":3,"steps":[{"amount":"13.5","kind":"rate","name":"input","per":1000000,"quantity":4500000,"rate":"3"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":4500000},"requests":3,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-10","period_end":"2026-11-01T00:00:00Z","period_start":"2026-10-01T00:00:00Z","requests_without_cost":0,"subtotal":"13.50","tax":"0.00","total":"13.50","unpriced":[],"waived":[]}' AS BLOB),'sha256:d61ea02444e500fc05b9c11365d445ae7cb9b23f6d2957801f1e158b7b878ad8','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":3,"m":0,"s":4,"time_zones":"2026.6"}',1793610000000000,3,'period',0);
INSERT INTO "invoice" VALUES(10,'INV-000010','koi','2026-10','issued','JPY',1200,0,1200,CAST('{"corrects":null,"cost":null,"currency":"JPY","customer":"koi","daily":[{"day":"2026-10-08","exact_amount":"1344.33","requests":1}],"due":"1200","form":2,"items":[{"amount":"-144","kind":"cap","name":"cap","of":"1200"}],"kind":"period","lines":[{"amount":"1344","description":"acme/large","exact_amount":"1344.33","kind":"usage","list_amount":"1344.33","mode":"standard","model":"acme/large","parts":[{"exact_amount":"1344.33","fx":"149.37","multiplier":"1","quantities":{"input":3000000},"requests":1,"steps":[{"amount":"1344.33","fx":"149.37","kind":"rate","name":"input","per":1000000,"quantity":3000000,"rate":"3"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":3000000},"requests":1,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-10","period_end":"2026-11-01T00:00:00Z","period_start":"2026-10-01T00:00:00Z","requests_without_cost":1,"subtotal":"1344","tax":"0","total":"1200","unpriced":[],"waived":[]}' AS BLOB),'sha256:37485e5da4a6f952ad630fc758a5648df38503474101c28d1378de7a9d105c84','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":3,"m":0,"s":4,"time_zones":"2026.6"}',1793610000000000,3,'period',0);
INSERT INTO "invoice" VALUES(11,'INV-000011','oasis','2026-10','issued','KWD',276,0,276,CAST('{"corrects":null,"cost":null,"currency":"KWD","customer":"oasis","daily":[{"day":"2026-10-09","exact_amount":"0.276435","requests":1}],"due":"0.000","form":2,"items":[{"amount":"-0.276","kind":"carried","name":"carried forward"}],"kind":"period","lines":[{"amount":"0.276","description":"acme/large","exact_amount":"0.276435","kind":"usage","list_amount":"0.276435","mode":"standard","model":"acme/large","parts":[{"exact_amount":"0.276435","fx":"0.30715","multiplier":"1","quantities":{"input":300000},"requests":1,"steps":[{"amount":"0.276435","fx":"0.30715","kind":"rate","name":"input","per":1000000,"quantity":300000,"rate":"3"}],"tier":null,"window":null}],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":300000},"requests":1,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-10","period_end":"2026-11-01T00:00:00Z","period_start":"2026-10-01T00:00:00Z","requests_without_cost":1,"subtotal":"0.276","tax":"0.000","total":"0.276","unpriced":[],"waived":[]}' AS BLOB),'sha256:4cc7c9af4adba2641c2be57a5f2ba046028ecda7ac58f98f913883ad9c397165','{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":3,"m":0,"s":4,"time_zones":"2026.6"}',1793610000000000,3,'period',0);
INSERT INTO "invoice" VALUES(12,'INV-000012','acme','2026-11','issued','USD',30000,6150,36150,CAST('{"corrects":null,"cost":null,"currency":"USD","customer":"acme","daily":[],"due":"361.50","form":2,"items":[{"amount":"-19.90","kind":"coupon","name":"launch-10","of":"199.00","percent":"10"},{"amount":"-5.00","kind":"coupon","name":"sorry","of":"179.10"},{"amount":"125.90","kind":"minimum","name":"committed spend","of":"300.00"},{"amount":"57.00","kind":"tax","name":"VAT","of":"300.00","percent":"19"},{"amount":"4.50","kind":"tax","name":"city levy","of":"300.00","percent":"1.5"}],"kind":"period","lines":[{"amount":"199.00","charge":{"name":"platform fee, larger","of_days":30,"quantity":30,"rate":"199"},"description":"platform fee, larger","exact_amount":"199","kind":"base_fee","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"-0.27","by":null,"cause":"price","charge":{"kind":"coupon"},"corrects":{"number":"INV-000004","period":"2026-10"},"customer":null,"description":"launch-10","exact_amount":"-0.27","kind":"adjustment","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"-2.48","by":null,"cause":"price","charge":{"kind":"minimum"},"corrects":{"number":"INV-000004","period":"2026-10"},"customer":null,"description":"committed spend","exact_amount":"-2.48","kind":"adjustment","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"11.28","by":null,"cause":"price","charge":null,"corrects":{"number":"INV-000004","period":"2026-10"},"customer":null,"description":"acme/large","exact_amount":"11.275","kind":"adjustment","list_amount":"18","mode":"standard","model":"acme/large","parts":[],"price_entry":"sha256:5c6ea9f568bf5072179df8eb079befb9f5f262dd192cb131b8a370c32d7c8ce0","quantities":{"input":4000000,"output":100000},"requests":1,"rule":"large by volume used","rule_contract":"customer acme","rule_hash":"sha256:a19727f0cfd07ef8f75c308ca9f2452f97622368f2dd51d899f7511dc5f63d85"},{"amount":"-10.78","by":null,"cause":"price","charge":null,"corrects":{"number":"INV-000004","period":"2026-10"},"customer":null,"description":"acme/large","exact_amount":"-10.775","kind":"adjustment","list_amount":"-13.5","mode":"standard","model":"acme/large","parts":[],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":-4000000,"output":-100000},"requests":-1,"rule":"large by volume used","rule_contract":"customer acme","rule_hash":"sha256:a19727f0cfd07ef8f75c308ca9f2452f97622368f2dd51d899f7511dc5f63d85"},{"amount":"9.00","by":null,"cause":"price","charge":null,"corrects":{"number":"INV-000004","period":"2026-10"},"customer":"acme lab","description":"acme/large","exact_amount":"9","kind":"adjustment","list_amount":"10","mode":"standard","model":"acme/large","parts":[],"price_entry":"sha256:5c6ea9f568bf5072179df8eb079befb9f5f262dd192cb131b8a370c32d7c8ce0","quantities":{"input":2000000,"output":100000},"requests":1,"rule":"lab","rule_contract":"customer acme lab","rule_hash":"sha256:6b1b7076839fff28ac75c83f550ec5be679f3802ee6b0840cfe0b44bd91af8f6"},{"amount":"-6.75","by":null,"cause":"price","charge":null,"corrects":{"number":"INV-000004","period":"2026-10"},"customer":"acme lab","description":"acme/large","exact_amount":"-6.75","kind":"adjustment","list_amount":"-7.5","mode":"standard","model":"acme/large","parts":[],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":-2000000,"output":-100000},"requests":-1,"rule":"lab","rule_contract":"customer acme lab","rule_hash":"sha256:6b1b7076839fff28ac75c83f550ec5be679f3802ee6b0840cfe0b44bd91af8f6"}],"missing":[],"period":"2026-11","period_end":"2026-11-30T23:00:00Z","period_start":"2026-10-31T23:00:00Z","requests_without_cost":0,"subtotal":"199.00","tax":"61.50","total":"361.50","unpriced":[],"waived":[]}' AS BLOB),'sha256:f6a4f5aba959e3a46afb04c659f8960c8ff5fddd201ad9c2ca15d5244b0cad81','{"a":"sha256:c7a3eb1598fd8622dc53870a44e3d5666ddf4be1788bde193b546af64ffade94","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":11,"m":4,"s":20,"time_zones":"2026.6"}',1796202000000000,4,'period',0);
INSERT INTO "invoice" VALUES(13,'INV-000013','finn','2026-11','issued','USD',4650,0,4650,CAST('{"corrects":null,"cost":"0.4","currency":"USD","customer":"finn","daily":[{"day":"2026-11-11","exact_amount":"4.4","requests":1},{"day":"2026-11-19","exact_amount":"7.6","requests":1}],"due":"46.50","form":2,"items":[{"amount":"0.00","before":"17.50","drawn":"12.00","ends":"2026-12-01","kind":"commitment","name":"commitment","of":"60.00","over":"0.00","starts":"2026-10-01"},{"amount":"30.50","before":"17.50","drawn":"12.00","ends":"2026-12-01","kind":"true_up","name":"commitment","of":"60.00","over":"0.00","starts":"2026-10-01"}],"kind":"period","lines":[{"amount":"12.00","by":{"user":"finn"},"description":"acme/large, user finn","exact_amount":"12","kind":"usage","list_amount":"12","mode":"standard","model":"acme/large","parts":[{"exact_amount":"12","fx":"1","multiplier":"1","quantities":{"input":3000000},"requests":2,"steps":[{"amount":"12","kind":"rate","name":"input","per":1000000,"quantity":3000000,"rate":"4"}],"tier":null,"window":null}],"price_entry":"sha256:5c6ea9f568bf5072179df8eb079befb9f5f262dd192cb131b8a370c32d7c8ce0","quantities":{"input":3000000},"requests":2,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"16.00","by":{"user":"finn"},"cause":"price","charge":null,"corrects":{"number":"INV-000006","period":"2026-10"},"customer":null,"description":"acme/large, user finn","exact_amount":"16","kind":"adjustment","list_amount":"16","mode":"standard","model":"acme/large","parts":[],"price_entry":"sha256:5c6ea9f568bf5072179df8eb079befb9f5f262dd192cb131b8a370c32d7c8ce0","quantities":{"input":4000000},"requests":2,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"-12.00","by":{"user":"finn"},"cause":"price","charge":null,"corrects":{"number":"INV-000006","period":"2026-10"},"customer":null,"description":"acme/large, user finn","exact_amount":"-12","kind":"adjustment","list_amount":"-12","mode":"standard","model":"acme/large","parts":[],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":-4000000},"requests":-2,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-11","period_end":"2026-12-01T00:00:00Z","period_start":"2026-11-01T00:00:00Z","requests_without_cost":0,"subtotal":"16.00","tax":"0.00","total":"46.50","unpriced":[],"waived":[]}' AS BLOB),'sha256:2aada2677115522a19ea57be5b729f5b5dbb886fe79e4283399d908ce93ed0d0','{"a":"sha256:c7a3eb1598fd8622dc53870a44e3d5666ddf4be1788bde193b546af64ffade94","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":11,"m":4,"s":20,"time_zones":"2026.6"}',1796202000000000,4,'period',0);
INSERT INTO "invoice" VALUES(14,'INV-000014','gil','2026-10','issued','USD',-720,-137,-857,CAST('{"corrects":{"number":"INV-000007","period":"2026-10"},"cost":null,"currency":"USD","customer":"gil","daily":[],"due":"0.00","form":2,"items":[{"amount":"-1.37","corrects":{"number":"INV-000007","period":"2026-10"},"kind":"tax","name":"VAT","of":"-7.20"},{"amount":"8.57","kind":"carried","name":"carried forward"}],"kind":"credit-note","lines":[{"amount":"-8.40","by":null,"cause":"retraction","charge":null,"corrects":{"number":"INV-000007","period":"2026-10"},"customer":null,"description":"acme/large","exact_amount":"-8.4","kind":"adjustment","list_amount":"-8.4","mode":"standard","model":"acme/large","parts":[],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":-2800000},"requests":-1,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"4.80","by":null,"cause":"price","charge":null,"corrects":{"number":"INV-000007","period":"2026-10"},"customer":null,"description":"acme/large","exact_amount":"4.8","kind":"adjustment","list_amount":"4.8","mode":"standard","model":"acme/large","parts":[],"price_entry":"sha256:5c6ea9f568bf5072179df8eb079befb9f5f262dd192cb131b8a370c32d7c8ce0","quantities":{"input":1200000},"requests":1,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"-3.60","by":null,"cause":"price","charge":null,"corrects":{"number":"INV-000007","period":"2026-10"},"customer":null,"description":"acme/large","exact_amount":"-3.6","kind":"adjustment","list_amount":"-3.6","mode":"standard","model":"acme/large","parts":[],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":-1200000},"requests":-1,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-10","period_end":"2026-11-01T00:00:00Z","period_start":"2026-10-01T00:00:00Z","requests_without_cost":0,"subtotal":"-7.20","tax":"-1.37","total":"-8.57","unpriced":[],"waived":[]}' AS BLOB),'sha256:6b8056cb161a3c7e7abee0d548782c7a67f5fa9c2e3104f371f97062cbef4f1e','{"a":"sha256:c7a3eb1598fd8622dc53870a44e3d5666ddf4be1788bde193b546af64ffade94","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":11,"m":4,"s":20,"time_zones":"2026.6"}',1796202000000000,4,'credit-note',1);
INSERT INTO "invoice" VALUES(15,'INV-000015','gil','2026-11','issued','USD',1200,228,1428,CAST('{"corrects":null,"cost":"0.4","currency":"USD","customer":"gil","daily":[{"day":"2026-11-11","exact_amount":"4.4","requests":1},{"day":"2026-11-19","exact_amount":"7.6","requests":1}],"due":"5.71","form":2,"items":[{"amount":"2.28","kind":"tax","name":"VAT","of":"12.00","percent":"19"},{"amount":"-8.57","kind":"balance","name":"brought forward"}],"kind":"period","lines":[{"amount":"12.00","description":"acme/large","exact_amount":"12","kind":"usage","list_amount":"12","mode":"standard","model":"acme/large","parts":[{"exact_amount":"12","fx":"1","multiplier":"1","quantities":{"input":3000000},"requests":2,"steps":[{"amount":"12","kind":"rate","name":"input","per":1000000,"quantity":3000000,"rate":"4"}],"tier":null,"window":null}],"price_entry":"sha256:5c6ea9f568bf5072179df8eb079befb9f5f262dd192cb131b8a370c32d7c8ce0","quantities":{"input":3000000},"requests":2,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-11","period_end":"2026-12-01T00:00:00Z","period_start":"2026-11-01T00:00:00Z","requests_without_cost":0,"subtotal":"12.00","tax":"2.28","total":"14.28","unpriced":[],"waived":[]}' AS BLOB),'sha256:5f83118f6d0c54941714274b30363b0a5d079b68dc10363cf9aabe7b89da1d4e','{"a":"sha256:c7a3eb1598fd8622dc53870a44e3d5666ddf4be1788bde193b546af64ffade94","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":11,"m":4,"s":20,"time_zones":"2026.6"}',1796202000000000,4,'period',0);
INSERT INTO "invoice" VALUES(16,'INV-000016','hana','2026-11','void','USD',1954,371,2325,CAST('{"corrects":null,"cost":"0.4","currency":"USD","customer":"hana","daily":[{"day":"2026-11-06","exact_amount":"0.006","requests":1},{"day":"2026-11-11","exact_amount":"4.4","requests":1},{"day":"2026-11-19","exact_amount":"7.6","requests":1}],"due":"23.25","form":2,"items":[{"amount":"-2.25","kind":"coupon","name":"ten","of":"22.51","percent":"10"},{"amount":"3.85","kind":"tax","name":"VAT","of":"20.26","percent":"19"},{"amount":"-0.14","corrects":{"number":"INV-000008","period":"2026-10"},"kind":"tax","name":"VAT","of":"-0.72"}],"kind":"period","lines":[{"amount":"12.01","description":"acme/large","exact_amount":"12.006","kind":"usage","list_amount":"12.006","mode":"standard","model":"acme/large","parts":[{"exact_amount":"12.006","fx":"1","multiplier":"1","quantities":{"input":3001000,"output":100},"requests":3,"steps":[{"amount":"12.004","kind":"rate","name":"input","per":1000000,"quantity":3001000,"rate":"4"},{"amount":"0.002","kind":"rate","name":"output","per":1000000,"quantity":100,"rate":"20"}],"tier":null,"window":null}],"price_entry":"sha256:5c6ea9f568bf5072179df8eb079befb9f5f262dd192cb131b8a370c32d7c8ce0","quantities":{"input":3001000,"output":100},"requests":3,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"12.50","charge":{"name":"support","number":1,"quantity":1,"rate":"12.5"},"description":"support","exact_amount":"12.5","kind":"manual","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"-2.00","charge":{"name":"goodwill","number":2,"quantity":1,"rate":"-2"},"description":"goodwill","exact_amount":"-2","kind":"manual","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"0.36","by":null,"cause":"retraction","charge":{"kind":"coupon"},"corrects":{"number":"INV-000008","period":"2026-10"},"customer":null,"description":"ten","exact_amount":"0.36","kind":"adjustment","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"-3.60","by":null,"cause":"retraction","charge":null,"corrects":{"number":"INV-000008","period":"2026-10"},"customer":null,"description":"acme/large","exact_amount":"-3.6","kind":"adjustment","list_amount":"-3.6","mode":"standard","model":"acme/large","parts":[],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":-1200000},"requests":-1,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"-0.28","by":null,"cause":"price","charge":{"kind":"coupon"},"corrects":{"number":"INV-000008","period":"2026-10"},"customer":null,"description":"ten","exact_amount":"-0.28","kind":"adjustment","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"11.20","by":null,"cause":"price","charge":null,"corrects":{"number":"INV-000008","period":"2026-10"},"customer":null,"description":"acme/large","exact_amount":"11.2","kind":"adjustment","list_amount":"11.2","mode":"standard","model":"acme/large","parts":[],"price_entry":"sha256:5c6ea9f568bf5072179df8eb079befb9f5f262dd192cb131b8a370c32d7c8ce0","quantities":{"input":2800000},"requests":1,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"-8.40","by":null,"cause":"price","charge":null,"corrects":{"number":"INV-000008","period":"2026-10"},"customer":null,"description":"acme/large","exact_amount":"-8.4","kind":"adjustment","list_amount":"-8.4","mode":"standard","model":"acme/large","parts":[],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":-2800000},"requests":-1,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-11","period_end":"2026-12-01T00:00:00Z","period_start":"2026-11-01T00:00:00Z","requests_without_cost":1,"subtotal":"21.79","tax":"3.71","total":"23.25","unpriced":[],"waived":[]}' AS BLOB),'sha256:846e5be2bdcc914a22f39fe740556cfd2e3ff95780d209133e95811c4d4d9635','{"a":"sha256:c7a3eb1598fd8622dc53870a44e3d5666ddf4be1788bde193b546af64ffade94","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":11,"m":4,"s":20,"time_zones":"2026.6"}',1796202000000000,4,'period',0);
INSERT INTO "invoice" VALUES(17,'INV-000017','ines','2026-11','issued','USD',2075,0,2075,CAST('{"corrects":null,"cost":"0.4","currency":"USD","customer":"ines","daily":[{"day":"2026-11-11","exact_amount":"4.4","requests":1},{"day":"2026-11-19","exact_amount":"7.6","requests":1}],"due":"20.75","form":2,"items":[{"amount":"0.00","before":"17.50","drawn":"12.00","ends":"2026-12-01","kind":"commitment","name":"commitment","of":"20.00","over":"9.50","starts":"2026-10-01"},{"amount":"0.00","before":"17.50","drawn":"12.00","ends":"2026-12-01","kind":"true_up","name":"commitment","of":"20.00","over":"9.50","starts":"2026-10-01"}],"kind":"period","lines":[{"amount":"12.00","description":"acme/large","exact_amount":"12","kind":"usage","list_amount":"12","mode":"standard","model":"acme/large","parts":[{"exact_amount":"12","fx":"1","multiplier":"1","quantities":{"input":3000000},"requests":2,"steps":[{"amount":"12","kind":"rate","name":"input","per":1000000,"quantity":3000000,"rate":"4"}],"tier":null,"window":null}],"price_entry":"sha256:5c6ea9f568bf5072179df8eb079befb9f5f262dd192cb131b8a370c32d7c8ce0","quantities":{"input":3000000},"requests":2,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"4.75","charge":{"name":"commitment","of_amount":"9.5","quantity":1,"rate":"0.5"},"description":"overage, commitment","exact_amount":"4.75","kind":"overage","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"16.00","by":null,"cause":"price","charge":null,"corrects":{"number":"INV-000009","period":"2026-10"},"customer":null,"description":"acme/large","exact_amount":"16","kind":"adjustment","list_amount":"16","mode":"standard","model":"acme/large","parts":[],"price_entry":"sha256:5c6ea9f568bf5072179df8eb079befb9f5f262dd192cb131b8a370c32d7c8ce0","quantities":{"input":4000000},"requests":2,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"-12.00","by":null,"cause":"price","charge":null,"corrects":{"number":"INV-000009","period":"2026-10"},"customer":null,"description":"acme/large","exact_amount":"-12","kind":"adjustment","list_amount":"-12","mode":"standard","model":"acme/large","parts":[],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":-4000000},"requests":-2,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-11","period_end":"2026-12-01T00:00:00Z","period_start":"2026-11-01T00:00:00Z","requests_without_cost":0,"subtotal":"20.75","tax":"0.00","total":"20.75","unpriced":[],"waived":[]}' AS BLOB),'sha256:7a93e5941d1f4fcc592cf84735f4bb9ccb9ee51650765327645fdab718c77cb4','{"a":"sha256:c7a3eb1598fd8622dc53870a44e3d5666ddf4be1788bde193b546af64ffade94","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":11,"m":4,"s":20,"time_zones":"2026.6"}',1796202000000000,4,'period',0);
INSERT INTO "invoice" VALUES(18,'INV-000018','oasis','2026-11','issued','KWD',0,0,0,CAST('{"corrects":null,"cost":null,"currency":"KWD","customer":"oasis","daily":[],"due":"0.276","form":2,"items":[{"amount":"0.276","kind":"balance","name":"brought forward"}],"kind":"period","lines":[],"missing":[],"period":"2026-11","period_end":"2026-12-01T00:00:00Z","period_start":"2026-11-01T00:00:00Z","requests_without_cost":0,"subtotal":"0.000","tax":"0.000","total":"0.000","unpriced":[],"waived":[]}' AS BLOB),'sha256:ea7c7b757578073f54aa4be97eab0dd5defad261137ebd51b29e5fd7874a5395','{"a":"sha256:c7a3eb1598fd8622dc53870a44e3d5666ddf4be1788bde193b546af64ffade94","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":11,"m":4,"s":20,"time_zones":"2026.6"}',1796202000000000,4,'period',0);
INSERT INTO "invoice" VALUES(19,'INV-000019','hana','2026-11','issued','USD',1954,371,2325,CAST('{"corrects":null,"cost":"0.4","currency":"USD","customer":"hana","daily":[{"day":"2026-11-06","exact_amount":"0.006","requests":1},{"day":"2026-11-11","exact_amount":"4.4","requests":1},{"day":"2026-11-19","exact_amount":"7.6","requests":1}],"due":"23.25","form":2,"items":[{"amount":"-2.25","kind":"coupon","name":"ten","of":"22.51","percent":"10"},{"amount":"3.85","kind":"tax","name":"VAT","of":"20.26","percent":"19"},{"amount":"-0.14","corrects":{"number":"INV-000008","period":"2026-10"},"kind":"tax","name":"VAT","of":"-0.72"}],"kind":"period","lines":[{"amount":"12.01","description":"acme/large","exact_amount":"12.006","kind":"usage","list_amount":"12.006","mode":"standard","model":"acme/large","parts":[{"exact_amount":"12.006","fx":"1","multiplier":"1","quantities":{"input":3001000,"output":100},"requests":3,"steps":[{"amount":"12.004","kind":"rate","name":"input","per":1000000,"quantity":3001000,"rate":"4"},{"amount":"0.002","kind":"rate","name":"output","per":1000000,"quantity":100,"rate":"20"}],"tier":null,"window":null}],"price_entry":"sha256:5c6ea9f568bf5072179df8eb079befb9f5f262dd192cb131b8a370c32d7c8ce0","quantities":{"input":3001000,"output":100},"requests":3,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"12.50","charge":{"name":"support","number":1,"quantity":1,"rate":"12.5"},"description":"support","exact_amount":"12.5","kind":"manual","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"-2.00","charge":{"name":"goodwill","number":2,"quantity":1,"rate":"-2"},"description":"goodwill","exact_amount":"-2","kind":"manual","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"0.36","by":null,"cause":"retraction","charge":{"kind":"coupon"},"corrects":{"number":"INV-000008","period":"2026-10"},"customer":null,"description":"ten","exact_amount":"0.36","kind":"adjustment","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"-3.60","by":null,"cause":"retraction","charge":null,"corrects":{"number":"INV-000008","period":"2026-10"},"customer":null,"description":"acme/large","exact_amount":"-3.6","kind":"adjustment","list_amount":"-3.6","mode":"standard","model":"acme/large","parts":[],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":-1200000},"requests":-1,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"-0.28","by":null,"cause":"price","charge":{"kind":"coupon"},"corrects":{"number":"INV-000008","period":"2026-10"},"customer":null,"description":"ten","exact_amount":"-0.28","kind":"adjustment","list_amount":null,"mode":"","model":"","parts":[],"price_entry":null,"quantities":{},"requests":0,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"11.20","by":null,"cause":"price","charge":null,"corrects":{"number":"INV-000008","period":"2026-10"},"customer":null,"description":"acme/large","exact_amount":"11.2","kind":"adjustment","list_amount":"11.2","mode":"standard","model":"acme/large","parts":[],"price_entry":"sha256:5c6ea9f568bf5072179df8eb079befb9f5f262dd192cb131b8a370c32d7c8ce0","quantities":{"input":2800000},"requests":1,"rule":null,"rule_contract":null,"rule_hash":null},{"amount":"-8.40","by":null,"cause":"price","charge":null,"corrects":{"number":"INV-000008","period":"2026-10"},"customer":null,"description":"acme/large","exact_amount":"-8.4","kind":"adjustment","list_amount":"-8.4","mode":"standard","model":"acme/large","parts":[],"price_entry":"sha256:fba516cfba793ee9268eee2919ff6258e257de92e3b8f08950e85d520564d80d","quantities":{"input":-2800000},"requests":-1,"rule":null,"rule_contract":null,"rule_hash":null}],"missing":[],"period":"2026-11","period_end":"2026-12-01T00:00:00Z","period_start":"2026-11-01T00:00:00Z","requests_without_cost":1,"subtotal":"21.79","tax":"3.71","total":"23.25","unpriced":[],"waived":[]}' AS BLOB),'sha256:846e5be2bdcc914a22f39fe740556cfd2e3ff95780d209133e95811c4d4d9635','{"a":"sha256:c7a3eb1598fd8622dc53870a44e3d5666ddf4be1788bde193b546af64ffade94","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":19,"m":4,"s":20,"time_zones":"2026.6"}',1796202000000000,5,'period',0);
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
INSERT INTO "invoice_line" VALUES(6,1,'acme/large','standard',NULL,3,'13.5',1350,'usage');
INSERT INTO "invoice_line" VALUES(6,2,'','',NULL,0,'120',12000,'base_fee');
INSERT INTO "invoice_line" VALUES(7,1,'acme/large','standard',NULL,3,'13.5',1350,'usage');
INSERT INTO "invoice_line" VALUES(8,1,'acme/large','standard',NULL,3,'13.5',1350,'usage');
INSERT INTO "invoice_line" VALUES(9,1,'acme/large','standard',NULL,3,'13.5',1350,'usage');
INSERT INTO "invoice_line" VALUES(10,1,'acme/large','standard',NULL,1,'1344.33',1344,'usage');
INSERT INTO "invoice_line" VALUES(11,1,'acme/large','standard',NULL,1,'0.276435',276,'usage');
INSERT INTO "invoice_line" VALUES(12,1,'','',NULL,0,'199',19900,'base_fee');
INSERT INTO "invoice_line" VALUES(12,2,'','',NULL,0,'-0.27',-27,'adjustment');
INSERT INTO "invoice_line" VALUES(12,3,'','',NULL,0,'-2.48',-248,'adjustment');
INSERT INTO "invoice_line" VALUES(12,4,'acme/large','standard','large by volume used',1,'11.275',1128,'adjustment');
INSERT INTO "invoice_line" VALUES(12,5,'acme/large','standard','large by volume used',-1,'-10.775',-1078,'adjustment');
INSERT INTO "invoice_line" VALUES(12,6,'acme/large','standard','lab',1,'9',900,'adjustment');
INSERT INTO "invoice_line" VALUES(12,7,'acme/large','standard','lab',-1,'-6.75',-675,'adjustment');
INSERT INTO "invoice_line" VALUES(13,1,'acme/large','standard',NULL,2,'12',1200,'usage');
INSERT INTO "invoice_line" VALUES(13,2,'acme/large','standard',NULL,2,'16',1600,'adjustment');
INSERT INTO "invoice_line" VALUES(13,3,'acme/large','standard',NULL,-2,'-12',-1200,'adjustment');
INSERT INTO "invoice_line" VALUES(14,1,'acme/large','standard',NULL,-1,'-8.4',-840,'adjustment');
INSERT INTO "invoice_line" VALUES(14,2,'acme/large','standard',NULL,1,'4.8',480,'adjustment');
INSERT INTO "invoice_line" VALUES(14,3,'acme/large','standard',NULL,-1,'-3.6',-360,'adjustment');
INSERT INTO "invoice_line" VALUES(15,1,'acme/large','standard',NULL,2,'12',1200,'usage');
INSERT INTO "invoice_line" VALUES(16,1,'acme/large','standard',NULL,3,'12.006',1201,'usage');
INSERT INTO "invoice_line" VALUES(16,2,'','',NULL,0,'12.5',1250,'manual');
INSERT INTO "invoice_line" VALUES(16,3,'','',NULL,0,'-2',-200,'manual');
INSERT INTO "invoice_line" VALUES(16,4,'','',NULL,0,'0.36',36,'adjustment');
INSERT INTO "invoice_line" VALUES(16,5,'acme/large','standard',NULL,-1,'-3.6',-360,'adjustment');
INSERT INTO "invoice_line" VALUES(16,6,'','',NULL,0,'-0.28',-28,'adjustment');
INSERT INTO "invoice_line" VALUES(16,7,'acme/large','standard',NULL,1,'11.2',1120,'adjustment');
INSERT INTO "invoice_line" VALUES(16,8,'acme/large','standard',NULL,-1,'-8.4',-840,'adjustment');
INSERT INTO "invoice_line" VALUES(17,1,'acme/large','standard',NULL,2,'12',1200,'usage');
INSERT INTO "invoice_line" VALUES(17,2,'','',NULL,0,'4.75',475,'overage');
INSERT INTO "invoice_line" VALUES(17,3,'acme/large','standard',NULL,2,'16',1600,'adjustment');
INSERT INTO "invoice_line" VALUES(17,4,'acme/large','standard',NULL,-2,'-12',-1200,'adjustment');
INSERT INTO "invoice_line" VALUES(19,1,'acme/large','standard',NULL,3,'12.006',1201,'usage');
INSERT INTO "invoice_line" VALUES(19,2,'','',NULL,0,'12.5',1250,'manual');
INSERT INTO "invoice_line" VALUES(19,3,'','',NULL,0,'-2',-200,'manual');
INSERT INTO "invoice_line" VALUES(19,4,'','',NULL,0,'0.36',36,'adjustment');
INSERT INTO "invoice_line" VALUES(19,5,'acme/large','standard',NULL,-1,'-3.6',-360,'adjustment');
INSERT INTO "invoice_line" VALUES(19,6,'','',NULL,0,'-0.28',-28,'adjustment');
INSERT INTO "invoice_line" VALUES(19,7,'acme/large','standard',NULL,1,'11.2',1120,'adjustment');
INSERT INTO "invoice_line" VALUES(19,8,'acme/large','standard',NULL,-1,'-8.4',-840,'adjustment');
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
INSERT INTO "ledger" VALUES(1,1,'credit','goodwill',200,'acme','USD','');
INSERT INTO "ledger" VALUES(3,1,'credit','goodwill',1050,'acme','USD','');
INSERT INTO "ledger" VALUES(3,2,'credit','prepaid 2026',2158,'acme','USD','');
INSERT INTO "ledger" VALUES(3,3,'invoiced','net',2662,'acme','USD','');
INSERT INTO "ledger" VALUES(3,4,'tax','VAT',506,'acme','USD','');
INSERT INTO "ledger" VALUES(3,5,'tax','city levy',40,'acme','USD','');
INSERT INTO "ledger" VALUES(4,1,'coupon','launch-10',1878,'acme','USD','');
INSERT INTO "ledger" VALUES(4,2,'coupon','sorry',500,'acme','USD','');
INSERT INTO "ledger" VALUES(4,3,'credit','prepaid 2026',7842,'acme','USD','');
INSERT INTO "ledger" VALUES(4,4,'credit','sparks',20000,'acme','USD','');
INSERT INTO "ledger" VALUES(5,1,'credit','monthly@2026-10',400,'dora','USD','');
INSERT INTO "ledger" VALUES(6,1,'commitment','2026-10-01',1350,'finn','USD','');
INSERT INTO "ledger" VALUES(8,1,'coupon','ten',135,'hana','USD','');
INSERT INTO "ledger" VALUES(8,2,'opening','old',500,'hana','USD','');
INSERT INTO "ledger" VALUES(9,1,'commitment','2026-10-01',1350,'ines','USD','');
INSERT INTO "ledger" VALUES(11,1,'balance','carried forward',276,'oasis','KWD','');
INSERT INTO "ledger" VALUES(12,1,'coupon','launch-10',1990,'acme','USD','');
INSERT INTO "ledger" VALUES(12,2,'coupon','sorry',500,'acme','USD','');
INSERT INTO "ledger" VALUES(12,3,'coupon','launch-10',27,'acme','USD','2026-10');
INSERT INTO "ledger" VALUES(13,1,'commitment','2026-10-01',1200,'finn','USD','');
INSERT INTO "ledger" VALUES(13,2,'true_up','2026-10-01',3050,'finn','USD','');
INSERT INTO "ledger" VALUES(13,3,'commitment','2026-10-01',400,'finn','USD','2026-10');
INSERT INTO "ledger" VALUES(14,1,'balance','carried forward',-857,'gil','USD','');
INSERT INTO "ledger" VALUES(15,1,'balance','brought forward',857,'gil','USD','');
INSERT INTO "ledger" VALUES(16,1,'coupon','ten',225,'hana','USD','');
INSERT INTO "ledger" VALUES(16,2,'coupon','ten',-8,'hana','USD','2026-10');
INSERT INTO "ledger" VALUES(17,1,'commitment','2026-10-01',1200,'ines','USD','');
INSERT INTO "ledger" VALUES(17,2,'overage','2026-10-01',950,'ines','USD','');
INSERT INTO "ledger" VALUES(17,3,'true_up','2026-10-01',0,'ines','USD','');
INSERT INTO "ledger" VALUES(17,4,'commitment','2026-10-01',400,'ines','USD','2026-10');
INSERT INTO "ledger" VALUES(18,1,'balance','brought forward',-276,'oasis','KWD','');
INSERT INTO "ledger" VALUES(19,1,'coupon','ten',225,'hana','USD','');
INSERT INTO "ledger" VALUES(19,2,'coupon','ten',-8,'hana','USD','2026-10');
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
INSERT INTO "manual_line" VALUES(1,'2026-11','hana','USD',1250,'support',0,'rita','agreed',1795165200000000);
INSERT INTO "manual_line" VALUES(2,'2026-11','hana','USD',-200,'goodwill',1,'rita','agreed',1795165200000000);
INSERT INTO "manual_line" VALUES(3,'2026-11','hana','USD',700,'a slip',0,'rita','agreed',1795165200000000);
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
INSERT INTO "manual_line_removal" VALUES(3,4,'rita','a slip',1795165200000000);
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
INSERT INTO "member_period" VALUES(6,'finn','2026-10',1790812800000000,1793491200000000);
INSERT INTO "member_period" VALUES(7,'gil','2026-10',1790812800000000,1793491200000000);
INSERT INTO "member_period" VALUES(8,'hana','2026-10',1790812800000000,1793491200000000);
INSERT INTO "member_period" VALUES(9,'ines','2026-10',1790812800000000,1793491200000000);
INSERT INTO "member_period" VALUES(10,'koi','2026-10',1790812800000000,1793491200000000);
INSERT INTO "member_period" VALUES(11,'oasis','2026-10',1790812800000000,1793491200000000);
INSERT INTO "member_period" VALUES(12,'acme','2026-11',1793487600000000,1796079600000000);
INSERT INTO "member_period" VALUES(12,'acme lab','2026-11',1793487600000000,1796079600000000);
INSERT INTO "member_period" VALUES(13,'finn','2026-11',1793491200000000,1796083200000000);
INSERT INTO "member_period" VALUES(15,'gil','2026-11',1793491200000000,1796083200000000);
INSERT INTO "member_period" VALUES(16,'hana','2026-11',1793491200000000,1796083200000000);
INSERT INTO "member_period" VALUES(17,'ines','2026-11',1793491200000000,1796083200000000);
INSERT INTO "member_period" VALUES(18,'oasis','2026-11',1793491200000000,1796083200000000);
INSERT INTO "member_period" VALUES(19,'hana','2026-11',1793491200000000,1796083200000000);
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
INSERT INTO "push" VALUES('dora','tokentill_usd','2026-10-31',1,'2026-10','INV-000005','cus_43de3a417d75f4818c5a5532',950,'tokentill-f9ba1b08a3068c8c0962b744c4c23e449ceebbafa3122aa3','accepted',1,1793610000000000,NULL);
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
INSERT INTO "recording" VALUES('sha256:1ec5d937126f2fc6234cfc868ae44a2731efd6b38e9a42cc2b15dfba92ad4c39','customer',CAST('{"format":1,"id":"finn","invoice":{"base_fee":{"amount":"120","every":"year","starts":"2026-10-10"},"commitment":{"amount":"60","months":2,"overage_factor":"2","starts":"2026-10-01"},"lines_by":["user"]},"kind":"customer","recorded_at":"2026-09-01T00:00:00Z","rule":[],"valid_from":"2026-01-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:27fa122bd96e05e1063a1bb204581cc38723776fae3832c5891c89b09704f5a9','prices',CAST('{"currency":"USD","format":1,"kind":"prices","price":[{"model":"other/model","per":1000000,"rates":{"cache_read":"0.3","input":"3","output":"15"},"valid_from":"2026-01-01T00:00:00Z"}],"recorded_at":"2026-09-01T00:00:00Z","source":"a test"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:40b4a6ce2f1c0610aaccf3b630551fe4b857adb6a838df08dd376f3c009235fd','default',CAST('{"anchor_day":1,"currency":"USD","format":1,"id":"default","kind":"default","recorded_at":"2026-09-01T00:00:00Z","rule":[],"time_zone":"UTC","valid_from":"2026-01-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:4621ee188fcd1c86e9541acded4b694c30a7f5b2855727f236975cdfd4170254','customer',CAST('{"anchor_day":1,"currency":"USD","format":1,"id":"acme","invoice":{"base_fee":{"amount":"99","name":"platform fee"},"coupon":[{"id":"launch-10","percent":"10","periods":3},{"amount":"5","id":"sorry"}],"interim_at":"25","minimum":{"amount":"300","name":"committed spend"},"smallest_amount":"5","tax":[{"name":"VAT","percent":"19"},{"name":"city levy","percent":"1.5"}]},"kind":"customer","recorded_at":"2026-09-01T00:00:00Z","rule":[{"allowance":{"units":{"input":1000000}},"match":{"model":["acme/large"]},"name":"large by volume used","tiers":{"kind":"graduated","over":["input"],"tier":[{"rates":{"input":"2.8"},"up_to":"5000000"},{"flat":"7.5","rates":{"input":"2.25"}}]}},{"match":{"model":["acme/image"]},"name":"images by the hundred","package":{"image":{"price":"4.5","size":100}}},{"credits":{"at_least":1,"name":"spark","round_up":"request","worth":"0.002"},"markup_percent":"50","match":{"model":["acme/small"]},"name":"small in sparks"},{"match":{"model":["acme/thin"]},"min_margin_percent":"10","name":"never below cost"},{"add_on":{"request":{"price":"0.01"}},"allowance":{"amount":"0.5"},"byok_fee_percent":"5","markup_percent":{"default":"20","output":"30"},"name":"everything else"}],"time_zone":"Europe/Berlin","valid_from":"2026-09-30T22:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:4827139f7667faa8696a0ecfdf66f386ae24e8824becf0256004900443377b3d','customer',CAST('{"format":1,"id":"ines","invoice":{"commitment":{"amount":"20","months":2,"overage_factor":"1.5","starts":"2026-10-01"}},"kind":"customer","recorded_at":"2026-09-01T00:00:00Z","review":{"approve_within":{"change":"1000","change_percent":"1000","total":"1000"}},"rule":[],"valid_from":"2026-01-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:4fa8fb7223b88e78315b7cedf85f32bcff32622b7065c5a2688883cacb897bf2','opening_balance',CAST('{"format":1,"kind":"opening_balance","opening_balance":[{"amount":"5","currency":"USD","customer":"hana","date":"2026-10-01","id":"old","reason":"from the old system"}],"recorded_at":"2026-09-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:5f44399c8a7d1be398d24e000c2af8483338f821a5a25400aab1475beea66649','prices',CAST('{"currency":"USD","format":1,"kind":"prices","price":[{"model":"acme/large","per":1000000,"rates":{"cache_read":"0.3","input":"3","output":"15"},"valid_from":"2026-01-01T00:00:00Z"},{"model":"acme/small","per":1000000,"rates":{"input":"0.1","output":"0.4"},"valid_from":"2026-01-01T00:00:00Z"},{"model":"acme/thin","per":1000000,"rates":{"input":"1","output":"1"},"valid_from":"2026-01-01T00:00:00Z"},{"fees":{"image":{"price":"0.05"}},"model":"acme/image","per":1000000,"rates":{"input":"1"},"valid_from":"2026-01-01T00:00:00Z"}],"recorded_at":"2026-09-01T00:00:00Z","source":"a test"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a','price-set',CAST('{"kind":"price-set","recordings":["sha256:27fa122bd96e05e1063a1bb204581cc38723776fae3832c5891c89b09704f5a9","sha256:5f44399c8a7d1be398d24e000c2af8483338f821a5a25400aab1475beea66649","sha256:b0746f429442e9c9035938fc16a077424574bc548a091165f53bb44d1c849cfb"]}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:6bb2b8ad73befb8f48e008937d76ca28ca7f38d39189efcc3fb236deb3eaa1de','customer',CAST('{"format":1,"id":"gil","invoice":{"adjustments":"credit-note","minimum":{"amount":"2"},"tax":[{"name":"VAT","percent":"19"}]},"kind":"customer","recorded_at":"2026-09-01T00:00:00Z","rule":[],"valid_from":"2026-01-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:6e815f097ce244ed4b338e5ce525aa0cca36c4a768d62f5e4e3cc37962b3c7b3','customer',CAST('{"anchor_day":1,"currency":"USD","format":1,"id":"acme","invoice":{"smallest_amount":"5"},"kind":"customer","recorded_at":"2026-09-01T00:00:00Z","rule":[{"allowance":{"units":{"input":1000000}},"match":{"model":["acme/large"]},"name":"large by volume used","tiers":{"kind":"graduated","over":["input"],"tier":[{"rates":{"input":"2.8"},"up_to":"5000000"},{"flat":"7.5","rates":{"input":"2.25"}}]}},{"match":{"model":["acme/image"]},"name":"images by the hundred","package":{"image":{"price":"4.5","size":100}}},{"credits":{"at_least":1,"name":"spark","round_up":"request","worth":"0.002"},"markup_percent":"50","match":{"model":["acme/small"]},"name":"small in sparks"},{"match":{"model":["acme/thin"]},"min_margin_percent":"10","name":"never below cost"},{"add_on":{"request":{"price":"0.01"}},"allowance":{"amount":"0.5"},"byok_fee_percent":"5","markup_percent":{"default":"20","output":"30"},"name":"everything else"}],"time_zone":"Europe/Berlin","valid_from":"2026-01-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:72c193f7f9c810d1d97610f54bea8fd29c0ae3b53eb56699b88c924675d1ff3b','customer',CAST('{"currency":"KWD","format":1,"id":"oasis","invoice":{"smallest_amount":"0.5"},"kind":"customer","recorded_at":"2026-09-01T00:00:00Z","rule":[],"valid_from":"2026-01-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:823feef2c47589433c23b6dc5a601737dbfaf459522185b9a57fc15871882bb5','customer',CAST('{"anchor_day":1,"currency":"USD","format":1,"id":"acme","invoice":{"base_fee":{"amount":"199","name":"platform fee, larger"},"coupon":[{"id":"launch-10","percent":"10","periods":3},{"amount":"5","id":"sorry"}],"interim_at":"25","minimum":{"amount":"300","name":"committed spend"},"smallest_amount":"5","tax":[{"name":"VAT","percent":"19"},{"name":"city levy","percent":"1.5"}]},"kind":"customer","recorded_at":"2026-09-01T00:00:00Z","rule":[{"allowance":{"units":{"input":1000000}},"match":{"model":["acme/large"]},"name":"large by volume used","tiers":{"kind":"graduated","over":["input"],"tier":[{"rates":{"input":"2.8"},"up_to":"5000000"},{"flat":"7.5","rates":{"input":"2.25"}}]}},{"match":{"model":["acme/image"]},"name":"images by the hundred","package":{"image":{"price":"4.5","size":100}}},{"credits":{"at_least":1,"name":"spark","round_up":"request","worth":"0.002"},"markup_percent":"50","match":{"model":["acme/small"]},"name":"small in sparks"},{"match":{"model":["acme/thin"]},"min_margin_percent":"10","name":"never below cost"},{"add_on":{"request":{"price":"0.01"}},"allowance":{"amount":"0.5"},"byok_fee_percent":"5","markup_percent":{"default":"20","output":"30"},"name":"everything else"}],"time_zone":"Europe/Berlin","valid_from":"2026-10-21T22:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:a475abd15a1de42b18d50c39d5cd148036339844400524af601749d8d1f6be88','customer',CAST('{"currency":"JPY","format":1,"id":"koi","invoice":{"cap":{"amount":"1200"}},"kind":"customer","recorded_at":"2026-09-01T00:00:00Z","rule":[],"valid_from":"2026-01-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:a5130133335e760424deda67ed21a26cac410d41ac340c031c22ca34e43b5d9e','customer',CAST('{"format":1,"id":"hana","invoice":{"coupon":[{"id":"ten","percent":"10"}],"tax":[{"name":"VAT","percent":"19"}]},"kind":"customer","recorded_at":"2026-09-01T00:00:00Z","rule":[],"valid_from":"2026-01-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:a9f1d3f8229a4e86113132da0f741530a0adea695188469d45ca6e537af841b9','customer',CAST('{"currency":"USD","format":1,"id":"acme lab","invoice":{"parent":"acme"},"kind":"customer","recorded_at":"2026-09-01T00:00:00Z","rule":[{"markup_percent":"-10","name":"lab"}],"valid_from":"2026-01-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:ab90df629e597a840bf21eb345e39eb6da305eeec2c88e199c9686cd48cf718b','attribution',CAST('{"default":"each-user","format":1,"kind":"attribution","recorded_at":"2026-09-01T00:00:00Z","rule":[],"tolerance_percent":"0","valid_from":"2026-01-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:b0746f429442e9c9035938fc16a077424574bc548a091165f53bb44d1c849cfb','fx',CAST('{"format":1,"kind":"fx","rate":[{"date":"2026-09-01","from":"USD","rate":"149.37","to":"JPY"},{"date":"2026-09-01","from":"USD","rate":"0.30715","to":"KWD"}],"recorded_at":"2026-09-01T00:00:00Z","source":"a test"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:b9c891ec802af0b90600469b7435e0d79fcaaeec85ceb165e7eb22b53c0d82d2','grant',CAST('{"format":1,"grant":[{"amount":"4","currency":"USD","customer":"dora","every":"month","id":"monthly","rollover":{"max":"3","months":2},"valid_from":"2026-10-01T00:00:00Z"}],"kind":"grant","recorded_at":"2026-09-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:d83b9a8828e105048c2d224780cc8cbb938949281406b11b558f46e2b57b0ade','grant',CAST('{"format":1,"grant":[{"amount":"12.5","currency":"USD","customer":"acme","expires_at":"2026-10-04T00:00:00Z","id":"goodwill","priority":-1,"valid_from":"2026-09-01T00:00:00Z"},{"amount":"100","currency":"USD","customer":"acme","expires_at":"2027-01-01T00:00:00Z","id":"prepaid 2026","valid_from":"2026-10-01T00:00:00Z"},{"credits":100000,"currency":"USD","customer":"acme","id":"sparks","name":"spark","valid_from":"2026-10-01T00:00:00Z","worth":"0.002"}],"kind":"grant","recorded_at":"2026-09-01T00:00:00Z"}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:fa48eb86d3cd57b154faac981c8672791c6cfea3b60e7d874970720497809830','contract-set',CAST('{"bindings":{"hash":"sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945","upto":0},"kind":"contract-set","recordings":["sha256:1ec5d937126f2fc6234cfc868ae44a2731efd6b38e9a42cc2b15dfba92ad4c39","sha256:40b4a6ce2f1c0610aaccf3b630551fe4b857adb6a838df08dd376f3c009235fd","sha256:4621ee188fcd1c86e9541acded4b694c30a7f5b2855727f236975cdfd4170254","sha256:4827139f7667faa8696a0ecfdf66f386ae24e8824becf0256004900443377b3d","sha256:4fa8fb7223b88e78315b7cedf85f32bcff32622b7065c5a2688883cacb897bf2","sha256:6bb2b8ad73befb8f48e008937d76ca28ca7f38d39189efcc3fb236deb3eaa1de","sha256:6e815f097ce244ed4b338e5ce525aa0cca36c4a768d62f5e4e3cc37962b3c7b3","sha256:72c193f7f9c810d1d97610f54bea8fd29c0ae3b53eb56699b88c924675d1ff3b","sha256:823feef2c47589433c23b6dc5a601737dbfaf459522185b9a57fc15871882bb5","sha256:a475abd15a1de42b18d50c39d5cd148036339844400524af601749d8d1f6be88","sha256:a5130133335e760424deda67ed21a26cac410d41ac340c031c22ca34e43b5d9e","sha256:a9f1d3f8229a4e86113132da0f741530a0adea695188469d45ca6e537af841b9","sha256:ab90df629e597a840bf21eb345e39eb6da305eeec2c88e199c9686cd48cf718b","sha256:b9c891ec802af0b90600469b7435e0d79fcaaeec85ceb165e7eb22b53c0d82d2","sha256:d83b9a8828e105048c2d224780cc8cbb938949281406b11b558f46e2b57b0ade"]}' AS BLOB),1790931600000000);
INSERT INTO "recording" VALUES('sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892','contract-set',CAST('{"bindings":{"hash":"sha256:2415ef9da8706efcbdae695ef4d1870a809d562e50fb760db417b8bc20f9a6c5","upto":1},"kind":"contract-set","recordings":["sha256:1ec5d937126f2fc6234cfc868ae44a2731efd6b38e9a42cc2b15dfba92ad4c39","sha256:40b4a6ce2f1c0610aaccf3b630551fe4b857adb6a838df08dd376f3c009235fd","sha256:4621ee188fcd1c86e9541acded4b694c30a7f5b2855727f236975cdfd4170254","sha256:4827139f7667faa8696a0ecfdf66f386ae24e8824becf0256004900443377b3d","sha256:4fa8fb7223b88e78315b7cedf85f32bcff32622b7065c5a2688883cacb897bf2","sha256:6bb2b8ad73befb8f48e008937d76ca28ca7f38d39189efcc3fb236deb3eaa1de","sha256:6e815f097ce244ed4b338e5ce525aa0cca36c4a768d62f5e4e3cc37962b3c7b3","sha256:72c193f7f9c810d1d97610f54bea8fd29c0ae3b53eb56699b88c924675d1ff3b","sha256:823feef2c47589433c23b6dc5a601737dbfaf459522185b9a57fc15871882bb5","sha256:a475abd15a1de42b18d50c39d5cd148036339844400524af601749d8d1f6be88","sha256:a5130133335e760424deda67ed21a26cac410d41ac340c031c22ca34e43b5d9e","sha256:a9f1d3f8229a4e86113132da0f741530a0adea695188469d45ca6e537af841b9","sha256:ab90df629e597a840bf21eb345e39eb6da305eeec2c88e199c9686cd48cf718b","sha256:b9c891ec802af0b90600469b7435e0d79fcaaeec85ceb165e7eb22b53c0d82d2","sha256:d83b9a8828e105048c2d224780cc8cbb938949281406b11b558f46e2b57b0ade"]}' AS BLOB),1793610000000000);
INSERT INTO "recording" VALUES('sha256:bc5e2ad7c996b6ca6b33dc3df8e222d7b3916a40e3d0eeac2760b6404590c4f5','review-policy',CAST('{"approve_within":{"change":"1000","change_percent":"1000","total":"1000"},"kind":"review-policy","park_beyond":null,"stated_by":"customer ines"}' AS BLOB),1796115600000000);
INSERT INTO "recording" VALUES('sha256:c7a3eb1598fd8622dc53870a44e3d5666ddf4be1788bde193b546af64ffade94','price-set',CAST('{"kind":"price-set","recordings":["sha256:27fa122bd96e05e1063a1bb204581cc38723776fae3832c5891c89b09704f5a9","sha256:5f44399c8a7d1be398d24e000c2af8483338f821a5a25400aab1475beea66649","sha256:b0746f429442e9c9035938fc16a077424574bc548a091165f53bb44d1c849cfb","sha256:ca43d54d007d5f832eebeb675bbb29590d28d281df6809ccebb7cdb0ca60a34a"]}' AS BLOB),1796115600000000);
INSERT INTO "recording" VALUES('sha256:ca43d54d007d5f832eebeb675bbb29590d28d281df6809ccebb7cdb0ca60a34a','prices',CAST('{"applies_to_closed":true,"currency":"USD","format":1,"kind":"prices","price":[{"model":"acme/large","per":1000000,"rates":{"input":"4","output":"20"},"valid_from":"2026-10-10T00:00:00Z"}],"recorded_at":"2026-11-20T00:00:00Z","source":"a test"}' AS BLOB),1796115600000000);
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
INSERT INTO "review" VALUES(1,'dora','2026-10','approved','sha256:7dc3ba2afe693e5c23577d56bbf29ad105beb55550ca87fed30aa3cbd7b8558d','rita','as agreed',1793610000000000,'{"a":"sha256:6039ee10fa3ae449a111630dcbc64bedf663f4ab44c10776f62c288326d7944a","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":3,"m":0,"s":4,"time_zones":"2026.6"}',NULL,NULL);
INSERT INTO "review" VALUES(2,'ines','2026-11','approved','sha256:7a93e5941d1f4fcc592cf84735f4bb9ccb9ee51650765327645fdab718c77cb4','rita','',1796115600000000,'{"a":"sha256:c7a3eb1598fd8622dc53870a44e3d5666ddf4be1788bde193b546af64ffade94","b":"sha256:4a3976102c4289fcf3f55846de7f68594b04c6930f202f7d18fff7152e0a0892","f":5,"l":11,"m":4,"s":18,"time_zones":"2026.6"}','customer ines','sha256:bc5e2ad7c996b6ca6b33dc3df8e222d7b3916a40e3d0eeac2760b6404590c4f5');
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
	usage_state TEXT NOT NULL, is_replayed INTEGER DEFAULT 0 NOT NULL CONSTRAINT ck_series_is_replayed CHECK (is_replayed IN (0, 1)), 
	CONSTRAINT pk_series PRIMARY KEY (id), 
	CONSTRAINT uq_series_digest UNIQUE (digest), 
	CONSTRAINT ck_series_is_byok CHECK (is_byok IN (0, 1)), 
	CONSTRAINT ck_series_usage_state CHECK (usage_state IN ('reported', 'estimated', 'missing'))
)
 STRICT

;
INSERT INTO "series" VALUES(1,X'8F026BF921A4036F105B514C29A7FDBE','arouter','acme',NULL,'acme/large',NULL,'standard',NULL,'[]',0,'ok','reported',0);
INSERT INTO "series" VALUES(2,X'F8A72882868998EF3E1A625EDD55F917','arouter','acme',NULL,'acme/image',NULL,'standard',NULL,'[]',0,'ok','reported',0);
INSERT INTO "series" VALUES(3,X'9913836486637F3ECAEF7178421320B7','arouter','acme',NULL,'acme/small',NULL,'standard',NULL,'[]',0,'ok','reported',0);
INSERT INTO "series" VALUES(4,X'7C1B646D5A7B8BED5A97A6CC06AED260','arouter','acme',NULL,'acme/thin',NULL,'standard',NULL,'[]',0,'ok','reported',0);
INSERT INTO "series" VALUES(5,X'89BACC75CCFE88F2A814665A50AAD1D3','arouter','acme lab',NULL,'acme/large',NULL,'standard',NULL,'[]',0,'ok','reported',0);
INSERT INTO "series" VALUES(6,X'E4CDCF8864A47A24C43C1A772E4B8724','arouter','acme lab',NULL,'acme/small',NULL,'standard',NULL,'[]',0,'ok','reported',0);
INSERT INTO "series" VALUES(7,X'266C747AFAFC5CAB37B281E15FB6FF56','arouter','acme',NULL,'other/model',NULL,'standard',NULL,'[]',1,'ok','reported',0);
INSERT INTO "series" VALUES(8,X'8C35D9E686197E3470C93AD3C66BAF49','arouter','acme',NULL,'other/model',NULL,'standard',NULL,'[]',0,'ok','reported',0);
INSERT INTO "series" VALUES(9,X'F452205F4B0016D3A0AB0587C65CC8E5','arouter','koi',NULL,'acme/large',NULL,'standard',NULL,'[]',0,'ok','reported',0);
INSERT INTO "series" VALUES(10,X'270D594EADBF14B8F57D3427DA1DA5AE','arouter','oasis',NULL,'acme/large',NULL,'standard',NULL,'[]',0,'ok','reported',0);
INSERT INTO "series" VALUES(11,X'DBCEA08B7236130DD316DEBC3BE8C2A2','arouter','dora',NULL,'acme/large',NULL,'standard',NULL,'[]',0,'ok','reported',0);
INSERT INTO "series" VALUES(12,X'A218EAFF2C8934A673639CC3BBD5BEF1','arouter','gil',NULL,'acme/large',NULL,'standard',NULL,'[]',0,'ok','reported',0);
INSERT INTO "series" VALUES(13,X'402AA51CFF9667CEC111330E81DBC5FA','arouter','hana',NULL,'acme/large',NULL,'standard',NULL,'[]',0,'ok','reported',0);
INSERT INTO "series" VALUES(14,X'8A447496C566B8C8F16ABE4C6A7022BC','arouter','finn',NULL,'acme/large',NULL,'standard',NULL,'[]',0,'ok','reported',0);
INSERT INTO "series" VALUES(15,X'5852341562E86C869B7DC5B69E8F49E2','arouter','ines',NULL,'acme/large',NULL,'standard',NULL,'[]',0,'ok','reported',0);
INSERT INTO "series" VALUES(16,X'04209564B05CFCAB0FC71088EF9CD308','arouter','eve',NULL,'acme/large',NULL,'standard',NULL,'[]',0,'ok','reported',0);
INSERT INTO "series" VALUES(17,X'F62870F96C1135BE59B11F04BEFA6207','arouter','dora',NULL,'acme/large',NULL,'standard',NULL,'[]',0,'ok','missing',0);
CREATE TABLE series_month (
	month INTEGER NOT NULL, 
	series_id INTEGER NOT NULL, 
	CONSTRAINT pk_series_month PRIMARY KEY (month, series_id), 
	CONSTRAINT fk_series_month_series FOREIGN KEY(series_id) REFERENCES series (id)
)
 WITHOUT ROWID,
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
INSERT INTO "series_month" VALUES(681,15);
INSERT INTO "series_month" VALUES(681,16);
INSERT INTO "series_month" VALUES(682,11);
INSERT INTO "series_month" VALUES(682,12);
INSERT INTO "series_month" VALUES(682,13);
INSERT INTO "series_month" VALUES(682,14);
INSERT INTO "series_month" VALUES(682,15);
INSERT INTO "series_month" VALUES(682,17);
CREATE TABLE source (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	CONSTRAINT pk_source PRIMARY KEY (id), 
	CONSTRAINT uq_source_name UNIQUE (name)
)
 STRICT

;
INSERT INTO "source" VALUES(1,'arouter');
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
INSERT INTO "staged_event" VALUES(13,'staged','golden','looked at',1794733200000000);
INSERT INTO "staged_event" VALUES(13,'dropped','rita','a test',1794733200000000);
INSERT INTO "staged_event" VALUES(14,'staged','golden','looked at',1794733200000000);
INSERT INTO "staged_event" VALUES(14,'accepted','rita','',1794733200000000);
INSERT INTO "staged_event" VALUES(14,'taken','rita','',1794733200000000);
CREATE TABLE staged_record (
	seq INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	content TEXT NOT NULL, 
	CONSTRAINT pk_staged_record PRIMARY KEY (seq, position), 
	CONSTRAINT fk_staged_record_batch FOREIGN KEY(seq) REFERENCES batch (seq)
)
 STRICT

;
INSERT INTO "staged_record" VALUES(13,1,'{"api_key":null,"cost":null,"geo":null,"is_byok":false,"mode":"standard","model":"acme/large","occurred_at":"2026-11-06T12:00:00Z","provider":null,"quantities":{"input":1000,"output":100},"record_id":"s0","source":"arouter","status":"ok","tags":[],"usage_state":"reported","user":"dora"}');
INSERT INTO "staged_record" VALUES(14,1,'{"api_key":null,"cost":null,"geo":null,"is_byok":false,"mode":"standard","model":"acme/large","occurred_at":"2026-11-06T12:00:00Z","provider":null,"quantities":{"input":1000,"output":100},"record_id":"s1","source":"arouter","status":"ok","tags":[],"usage_state":"reported","user":"hana"}');
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
	digest BLOB, 
	version INTEGER DEFAULT 1 NOT NULL, 
	CONSTRAINT pk_usage PRIMARY KEY (id), 
	CONSTRAINT uq_usage_identity UNIQUE (source_id, record_id, version), 
	
	
	
	CONSTRAINT ck_usage_digest CHECK (length(digest) = 16), 
	CONSTRAINT ck_usage_has_cost CHECK (has_cost IN (0, 1))
)
 STRICT

;
INSERT INTO "usage" VALUES(1,1,'r01',1,1,1789387200000000,1500000,1500000,0,0,0,0,0,0,0,0,0,40000,0,0,0,0,0,0,0,NULL,1);
INSERT INTO "usage" VALUES(2,1,'r11',1,2,1790942400000000,3000000,3000000,0,0,0,0,0,0,0,0,0,200000,0,0,0,1,700000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(3,1,'r12',1,2,1791028800000000,3500000,2500000,1000000,0,0,0,0,0,0,0,0,50000,0,0,0,1,500000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(4,1,'r13',2,2,1791115200000000,2000,2000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,300000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(5,1,'r14',3,2,1791194400000000,9000,9000,0,0,0,0,0,0,0,0,0,1000,0,0,0,1,100000,0,0,NULL,1);
INSERT INTO "usage" VALUES(6,1,'r15',3,2,1791198000000000,100,100,0,0,0,0,0,0,0,0,0,10,0,0,0,1,10000,0,0,NULL,1);
INSERT INTO "usage" VALUES(7,1,'r16',4,2,1791288000000000,400000,400000,0,0,0,0,0,0,0,0,0,10000,0,0,0,1,50000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(8,1,'r17',4,2,1791374400000000,400000,400000,0,0,0,0,0,0,0,0,0,10000,0,0,0,1,30000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(9,1,'dora-12',11,3,1791806400000000,1200000,1200000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(10,1,'dora-28',11,3,1793188800000000,2800000,2800000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(11,1,'dora-5',11,3,1791201600000000,500000,500000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(12,1,'finn-12',14,3,1791806400000000,1200000,1200000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(13,1,'finn-28',14,3,1793188800000000,2800000,2800000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(14,1,'finn-5',14,3,1791201600000000,500000,500000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(15,1,'gil-12',12,3,1791806400000000,1200000,1200000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(16,1,'gil-28',12,3,1793188800000000,2800000,2800000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(17,1,'gil-5',12,3,1791201600000000,500000,500000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(18,1,'hana-12',13,3,1791806400000000,1200000,1200000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(19,1,'hana-28',13,3,1793188800000000,2800000,2800000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(20,1,'hana-5',13,3,1791201600000000,500000,500000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(21,1,'image',16,3,1792065600000000,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,50000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(22,1,'ines-12',15,3,1791806400000000,1200000,1200000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(23,1,'ines-28',15,3,1793188800000000,2800000,2800000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(24,1,'ines-5',15,3,1791201600000000,500000,500000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(25,1,'r21',1,3,1792670400000000,4000000,4000000,0,0,0,0,0,0,0,0,0,100000,0,0,0,1,1100000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(26,1,'r22',5,3,1792756800000000,2000000,2000000,0,0,0,0,0,0,0,0,0,100000,0,0,0,1,600000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(27,1,'r23',6,3,1792756800000000,1000000,1000000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,10000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(28,1,'r24',2,3,1792843200000000,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,200000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(29,1,'r25',7,3,1792929600000000,1000000,1000000,0,0,0,0,0,0,0,0,0,100000,0,0,0,1,400000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(30,1,'r26',8,3,1793016000000000,100000,100000,0,0,0,0,0,0,0,0,0,10000,0,0,0,1,40000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(31,1,'r31',9,3,1791460800000000,3000000,3000000,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,NULL,1);
INSERT INTO "usage" VALUES(32,1,'r41',10,3,1791547200000000,300000,300000,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,NULL,1);
INSERT INTO "usage" VALUES(33,1,'n1',11,5,1793534400000000,1000000,1000000,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,NULL,1);
INSERT INTO "usage" VALUES(34,1,'n2',11,5,1793620800000000,2000000,2000000,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,NULL,1);
INSERT INTO "usage" VALUES(35,1,'none',17,5,1793707200000000,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,NULL,1);
INSERT INTO "usage" VALUES(36,1,'n1',11,7,1793534400000000,7,7,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,NULL,2);
INSERT INTO "usage" VALUES(37,1,'wrong',11,10,1793793600000000,1000,1000,0,0,0,0,0,0,0,0,0,100,0,0,0,0,0,0,0,NULL,1);
INSERT INTO "usage" VALUES(38,1,'s1',13,15,1793966400000000,1000,1000,0,0,0,0,0,0,0,0,0,100,0,0,0,0,0,0,0,NULL,1);
INSERT INTO "usage" VALUES(39,1,'dora-11',11,16,1794398400000000,1100000,1100000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(40,1,'dora-19',11,16,1795089600000000,1900000,1900000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(41,1,'dora-19-0',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(42,1,'dora-19-1',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(43,1,'dora-19-10',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(44,1,'dora-19-11',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(45,1,'dora-19-12',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(46,1,'dora-19-13',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(47,1,'dora-19-14',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(48,1,'dora-19-15',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(49,1,'dora-19-16',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(50,1,'dora-19-17',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(51,1,'dora-19-18',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(52,1,'dora-19-19',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(53,1,'dora-19-2',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(54,1,'dora-19-20',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(55,1,'dora-19-21',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(56,1,'dora-19-22',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(57,1,'dora-19-23',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(58,1,'dora-19-24',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(59,1,'dora-19-25',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(60,1,'dora-19-26',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(61,1,'dora-19-27',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(62,1,'dora-19-28',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(63,1,'dora-19-29',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(64,1,'dora-19-3',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(65,1,'dora-19-30',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(66,1,'dora-19-31',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(67,1,'dora-19-32',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(68,1,'dora-19-33',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(69,1,'dora-19-34',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(70,1,'dora-19-35',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(71,1,'dora-19-36',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(72,1,'dora-19-37',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(73,1,'dora-19-38',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(74,1,'dora-19-39',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(75,1,'dora-19-4',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(76,1,'dora-19-5',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(77,1,'dora-19-6',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(78,1,'dora-19-7',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(79,1,'dora-19-8',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(80,1,'dora-19-9',11,16,1795093200000000,1000,1000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(81,1,'finn-11',14,16,1794398400000000,1100000,1100000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(82,1,'finn-19',14,16,1795089600000000,1900000,1900000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(83,1,'gil-11',12,16,1794398400000000,1100000,1100000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(84,1,'gil-19',12,16,1795089600000000,1900000,1900000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(85,1,'hana-11',13,16,1794398400000000,1100000,1100000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(86,1,'hana-19',13,16,1795089600000000,1900000,1900000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(87,1,'ines-11',15,16,1794398400000000,1100000,1100000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(88,1,'ines-19',15,16,1795089600000000,1900000,1900000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,20000000,0,0,NULL,1);
INSERT INTO "usage" VALUES(89,1,'late',11,16,1793275200000000,2000000,2000000,0,0,0,0,0,0,0,0,0,0,0,0,0,1,100000000,0,0,NULL,1);
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
INSERT INTO "usage_request" VALUES(37,1,'k',1,'k');
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
INSERT INTO "usage_sum" VALUES(20755,11,6,0,16,2000000,2000000,1,1,0,2000000,0,0,0,0,0,0,0,0,0,0,0,0,0,100000000,0,0);
INSERT INTO "usage_sum" VALUES(20768,11,6,0,16,1100000,1100000,1,1,0,1100000,0,0,0,0,0,0,0,0,0,0,0,0,0,20000000,0,0);
INSERT INTO "usage_sum" VALUES(20768,12,6,0,16,1100000,1100000,1,1,0,1100000,0,0,0,0,0,0,0,0,0,0,0,0,0,20000000,0,0);
INSERT INTO "usage_sum" VALUES(20768,13,6,0,16,1100000,1100000,1,1,0,1100000,0,0,0,0,0,0,0,0,0,0,0,0,0,20000000,0,0);
INSERT INTO "usage_sum" VALUES(20768,14,6,0,16,1100000,1100000,1,1,0,1100000,0,0,0,0,0,0,0,0,0,0,0,0,0,20000000,0,0);
INSERT INTO "usage_sum" VALUES(20768,15,6,0,16,1100000,1100000,1,1,0,1100000,0,0,0,0,0,0,0,0,0,0,0,0,0,20000000,0,0);
INSERT INTO "usage_sum" VALUES(20776,11,0,0,16,1000,1000,40,40,0,40000,0,0,0,0,0,0,0,0,0,0,0,0,0,40000000,0,0);
INSERT INTO "usage_sum" VALUES(20776,11,6,0,16,1900000,1900000,1,1,0,1900000,0,0,0,0,0,0,0,0,0,0,0,0,0,20000000,0,0);
INSERT INTO "usage_sum" VALUES(20776,12,6,0,16,1900000,1900000,1,1,0,1900000,0,0,0,0,0,0,0,0,0,0,0,0,0,20000000,0,0);
INSERT INTO "usage_sum" VALUES(20776,13,6,0,16,1900000,1900000,1,1,0,1900000,0,0,0,0,0,0,0,0,0,0,0,0,0,20000000,0,0);
INSERT INTO "usage_sum" VALUES(20776,14,6,0,16,1900000,1900000,1,1,0,1900000,0,0,0,0,0,0,0,0,0,0,0,0,0,20000000,0,0);
INSERT INTO "usage_sum" VALUES(20776,15,6,0,16,1900000,1900000,1,1,0,1900000,0,0,0,0,0,0,0,0,0,0,0,0,0,20000000,0,0);
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
INSERT INTO "usage_sum_unit" VALUES(20776,11,0,0,16,'web_search',40);
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
INSERT INTO "usage_unit" VALUES(4,'image',130);
INSERT INTO "usage_unit" VALUES(28,'image',75);
INSERT INTO "usage_unit" VALUES(41,'web_search',1);
INSERT INTO "usage_unit" VALUES(42,'web_search',1);
INSERT INTO "usage_unit" VALUES(43,'web_search',1);
INSERT INTO "usage_unit" VALUES(44,'web_search',1);
INSERT INTO "usage_unit" VALUES(45,'web_search',1);
INSERT INTO "usage_unit" VALUES(46,'web_search',1);
INSERT INTO "usage_unit" VALUES(47,'web_search',1);
INSERT INTO "usage_unit" VALUES(48,'web_search',1);
INSERT INTO "usage_unit" VALUES(49,'web_search',1);
INSERT INTO "usage_unit" VALUES(50,'web_search',1);
INSERT INTO "usage_unit" VALUES(51,'web_search',1);
INSERT INTO "usage_unit" VALUES(52,'web_search',1);
INSERT INTO "usage_unit" VALUES(53,'web_search',1);
INSERT INTO "usage_unit" VALUES(54,'web_search',1);
INSERT INTO "usage_unit" VALUES(55,'web_search',1);
INSERT INTO "usage_unit" VALUES(56,'web_search',1);
INSERT INTO "usage_unit" VALUES(57,'web_search',1);
INSERT INTO "usage_unit" VALUES(58,'web_search',1);
INSERT INTO "usage_unit" VALUES(59,'web_search',1);
INSERT INTO "usage_unit" VALUES(60,'web_search',1);
INSERT INTO "usage_unit" VALUES(61,'web_search',1);
INSERT INTO "usage_unit" VALUES(62,'web_search',1);
INSERT INTO "usage_unit" VALUES(63,'web_search',1);
INSERT INTO "usage_unit" VALUES(64,'web_search',1);
INSERT INTO "usage_unit" VALUES(65,'web_search',1);
INSERT INTO "usage_unit" VALUES(66,'web_search',1);
INSERT INTO "usage_unit" VALUES(67,'web_search',1);
INSERT INTO "usage_unit" VALUES(68,'web_search',1);
INSERT INTO "usage_unit" VALUES(69,'web_search',1);
INSERT INTO "usage_unit" VALUES(70,'web_search',1);
INSERT INTO "usage_unit" VALUES(71,'web_search',1);
INSERT INTO "usage_unit" VALUES(72,'web_search',1);
INSERT INTO "usage_unit" VALUES(73,'web_search',1);
INSERT INTO "usage_unit" VALUES(74,'web_search',1);
INSERT INTO "usage_unit" VALUES(75,'web_search',1);
INSERT INTO "usage_unit" VALUES(76,'web_search',1);
INSERT INTO "usage_unit" VALUES(77,'web_search',1);
INSERT INTO "usage_unit" VALUES(78,'web_search',1);
INSERT INTO "usage_unit" VALUES(79,'web_search',1);
INSERT INTO "usage_unit" VALUES(80,'web_search',1);
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
INSERT INTO "withdrawal" VALUES(33,'revision',7,'rita','final',1794733200000000);
INSERT INTO "withdrawal" VALUES(21,'waiver',8,'rita','failed',1794733200000000);
INSERT INTO "withdrawal" VALUES(35,'waiver',9,'rita','failed',1794733200000000);
INSERT INTO "withdrawal" VALUES(37,'retraction',12,'rita','sent twice',1794733200000000);
INSERT INTO "withdrawal" VALUES(16,'retraction',17,'rita','sent twice',1795165200000000);
INSERT INTO "withdrawal" VALUES(18,'retraction',18,'rita','sent twice',1795165200000000);
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
INSERT INTO "witness" VALUES(1,'wrong','capture',X'034D78C818C6DFE75095CA0A8793599C',11,'k','{"api_key":null,"cost":null,"geo":null,"is_byok":false,"mode":"standard","model":"acme/large","occurred_at":"2026-11-04T12:00:00Z","provider":null,"quantities":{"input":1},"record_id":"wrong","source":"arouter","status":"ok","tags":[],"usage_state":"reported","user":"dora"}',1793793600000000);
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
COMMIT;

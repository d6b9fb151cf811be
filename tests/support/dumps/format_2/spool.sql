BEGIN TRANSACTION;
CREATE TABLE spool (
  id TEXT NOT NULL, count INTEGER NOT NULL, bytes INTEGER NOT NULL, written INTEGER NOT NULL
);
INSERT INTO "spool" VALUES('55285be3-4911-4a90-aada-43c70749bb63',6,3215,0);
CREATE TABLE spooled (
  place INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL,
  person TEXT NOT NULL,
  content TEXT,
  key TEXT,
  received_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL DEFAULT 0,
  trouble TEXT,
  bytes INTEGER NOT NULL,
  document TEXT NOT NULL
);
INSERT INTO "spooled" VALUES(1,'a1bbb604-5155-4bf0-acc8-e0d7b0838dfa','acme','55b7d7c64081965b0279e96c964c5a47','21c94e03e419456639a490dbb64cc419',NULL,1795698737108,1795698797136,'ResponseError',511,'{"id":"a1bbb604-5155-4bf0-acc8-e0d7b0838dfa","form":"news","account":"acme","contact":"{\"fields\":{\"email_address\":\"spooled-0@example.com\"},\"custom\":[],\"other\":{}}","lists":["ae61b968-08e2-5daa-b89e-61ab59455e3a"],"consent":{"text":"By signing up you agree to receive e-mails from us. You can unsubscribe at any time.","version":"8013c1403f68","box":null,"address":"192.0.2.10","page":null},"quarantine":null,"unsubscribed":"resubscribe","compared_email":"spooled-0@example.com","idempotency_key":null}');
INSERT INTO "spooled" VALUES(2,'e8ce7473-4c6c-46a6-936a-d2db3d0000ec','acme','2aaa033934476f74659065dbf84c2d50','8fbebc28a16417d6775fb08bcc4e3b0a',NULL,1795698737121,1795698797140,'KeyError',511,'{"id":"e8ce7473-4c6c-46a6-936a-d2db3d0000ec","form":"news","account":"acme","lists":["ae61b968-08e2-5daa-b89e-61ab59455e3a"],"consent":{"text":"By signing up you agree to receive e-mails from us. You can unsubscribe at any time.","version":"8013c1403f68","box":null,"address":"192.0.2.11","page":null},"quarantine":null,"unsubscribed":"resubscribe","compared_email":"spooled-1@example.com","idempotency_key":null}');
INSERT INTO "spooled" VALUES(3,'4370fe7d-e209-4452-b7fe-9f8655d00f5a','acme','793a499817743b44382d9d9a0e958970','cbae2bc4d492c1803313801f17e84110','fa06abec713864107b66075d3e5566d4',1795698737143,0,NULL,543,'{"id":"4370fe7d-e209-4452-b7fe-9f8655d00f5a","form":"news","account":"acme","contact":"{\"fields\":{\"email_address\":\"spooled-2@example.com\",\"first_name\":\"Sven\"},\"custom\":[],\"other\":{}}","lists":["ae61b968-08e2-5daa-b89e-61ab59455e3a"],"consent":{"text":"By signing up you agree to receive e-mails from us. You can unsubscribe at any time.","version":"8013c1403f68","box":null,"address":"192.0.2.11","page":null},"quarantine":null,"unsubscribed":"resubscribe","compared_email":"spooled-2@example.com","idempotency_key":"order-1002"}');
INSERT INTO "spooled" VALUES(4,'2313695c-15bc-4f36-9156-b4d07178a219','acme','793a499817743b44382d9d9a0e958970','2ef887d8950615a51519e0d4eedb1cc1',NULL,1795698737145,0,NULL,618,'{"id":"2313695c-15bc-4f36-9156-b4d07178a219","form":"everything","account":"acme","contact":"{\"fields\":{\"email_address\":\"spooled-2@example.com\"},\"custom\":[{\"id\":\"e7a34ae9-d49a-5547-9bd5-fa8e5bfa87f7\",\"name\":\"favourite_cake\",\"value\":\"Rye\"}],\"other\":{}}","lists":["ae61b968-08e2-5daa-b89e-61ab59455e3a","2dff9a90-7758-5219-be64-2a749c1c921e"],"consent":{"text":"Yes, write to me once a month.","version":"0dd8c28c083d","box":true,"address":"192.0.2.11","page":"https://www.example.com"},"quarantine":null,"unsubscribed":"resubscribe","compared_email":"spooled-2@example.com","idempotency_key":null}');
INSERT INTO "spooled" VALUES(5,'5a3c8d1f-3563-407c-ab07-7e82a3e89e14','acme','4290135850b8b803facddb912b4f7a1b',NULL,NULL,1795698737147,0,NULL,517,'{"id":"5a3c8d1f-3563-407c-ab07-7e82a3e89e14","form":"news","account":"acme","contact":"{\"fields\":{\"email_address\":\"spooled-3@example.com\"},\"custom\":[],\"other\":{}}","lists":["ae61b968-08e2-5daa-b89e-61ab59455e3a"],"consent":{"text":"By signing up you agree to receive e-mails from us. You can unsubscribe at any time.","version":"8013c1403f68","box":null,"address":"192.0.2.11","page":null},"quarantine":"honeypot","unsubscribed":"resubscribe","compared_email":"spooled-3@example.com","idempotency_key":null}');
INSERT INTO "spooled" VALUES(6,'eea4c17b-7a64-4e8f-be34-d6918b58c260','estate','0cea4cbab9d09a5c61fc2fe40a7bb2e5','35839f5b48884a2885c6a5a88857e507',NULL,1795698737148,0,NULL,515,'{"id":"eea4c17b-7a64-4e8f-be34-d6918b58c260","form":"estate","account":"estate","contact":"{\"fields\":{\"email_address\":\"spooled-4@example.com\"},\"custom\":[],\"other\":{}}","lists":["ae61b968-08e2-5daa-b89e-61ab59455e3a"],"consent":{"text":"By signing up you agree to receive e-mails from us. You can unsubscribe at any time.","version":"8013c1403f68","box":null,"address":"192.0.2.12","page":null},"quarantine":null,"unsubscribed":"resubscribe","compared_email":"spooled-4@example.com","idempotency_key":null}');
CREATE INDEX people ON spooled (account, person);
CREATE INDEX contents ON spooled (content);
CREATE INDEX keys ON spooled (key);
CREATE INDEX troubles ON spooled (trouble) WHERE trouble IS NOT NULL;
CREATE TRIGGER added AFTER INSERT ON spooled
  BEGIN UPDATE spool SET count = count + 1, bytes = bytes + NEW.bytes; END;
CREATE TRIGGER removed AFTER DELETE ON spooled
  BEGIN UPDATE spool SET count = count - 1, bytes = bytes - OLD.bytes; END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('spooled',6);
COMMIT;

-- A store as the second revision of the tables left it. Never changed: it must open with every later version.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE models (
	name TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	exposure SMALLINT NOT NULL, 
	consequence SMALLINT NOT NULL, 
	stake SMALLINT NOT NULL, 
	state TEXT NOT NULL, 
	version INTEGER, 
	made_at DATETIME NOT NULL, 
	changed_at DATETIME NOT NULL, 
	traffic BIGINT DEFAULT '0' NOT NULL, 
	not_passed FLOAT DEFAULT '-1' NOT NULL, 
	accuracy FLOAT DEFAULT '-1' NOT NULL, 
	questions BIGINT DEFAULT '0' NOT NULL, 
	measured_at DATETIME, 
	words TEXT NOT NULL, 
	purpose TEXT NOT NULL, 
	CONSTRAINT pk_models PRIMARY KEY (name), 
	CONSTRAINT ck_models_exposure CHECK (exposure BETWEEN 1 AND 5), 
	CONSTRAINT ck_models_consequence CHECK (consequence BETWEEN 1 AND 5), 
	CONSTRAINT ck_models_state CHECK (state IN ('draft', 'shadow', 'guarding', 'retired'))
);
INSERT INTO models VALUES('income','ann',2,4,8,'draft',1,'2026-01-02 03:04:05.678901','2026-01-02 05:04:05.678901',0,-1.0,-1.0,0,NULL,'income ann tells whether somebody earns more than 50,000 a year.','Tells whether somebody earns more than 50,000 a year.');
INSERT INTO models VALUES('churn — naïve','team two',1,1,1,'draft',NULL,'2026-01-02 03:04:05.678901','2026-01-02 03:04:05.678901',0,-1.0,-1.0,0,NULL,'churn — naïve team two','');
CREATE TABLE versions (
	model TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	firewall TEXT NOT NULL, 
	model_file TEXT, 
	contract TEXT NOT NULL, 
	evidence TEXT NOT NULL, 
	note TEXT NOT NULL, 
	made_at DATETIME NOT NULL, 
	made_by TEXT NOT NULL, 
	approved_at DATETIME, 
	approved_by TEXT, 
	CONSTRAINT pk_versions PRIMARY KEY (model, number), 
	CONSTRAINT fk_versions_model FOREIGN KEY(model) REFERENCES models (name), 
	CONSTRAINT ck_versions_approved CHECK (approved_by IS NULL OR approved_by <> made_by)
);
INSERT INTO versions VALUES('income',1,'7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed',NULL,replace('[[assumption]]\ncode = "range"\n','\n',char(10)),'{"auroc":0.93,"rows":16280}','the first','2026-01-02 04:04:05.678901','ann','2026-01-02 05:04:05.678901','zoe');
CREATE TABLE audit (
	number BIGINT NOT NULL, 
	at DATETIME NOT NULL, 
	actor TEXT NOT NULL, 
	action TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	via TEXT NOT NULL, 
	details TEXT NOT NULL, 
	previous TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	CONSTRAINT pk_audit PRIMARY KEY (number)
);
INSERT INTO audit VALUES(1,'2026-01-02 03:04:05.678901','camelopard','model added','model','income','command line','{"consequence":4,"exposure":2,"owner":"ann","purpose":"Tells whether somebody earns more than 50,000 a year."}','0000000000000000000000000000000000000000000000000000000000000000','2ba7b3f8c5568f68cf62d0e0565af137a3ff52abbe94ab702055d6f9ce4dce12');
INSERT INTO audit VALUES(2,'2026-01-02 03:04:05.678901','camelopard','model added','model','churn — naïve','command line','{"consequence":1,"exposure":1,"owner":"team two","purpose":""}','2ba7b3f8c5568f68cf62d0e0565af137a3ff52abbe94ab702055d6f9ce4dce12','7937c1384419faed924bd1a7b8b5591b0dcb0c87411356cfc6f51aae10166497');
INSERT INTO audit VALUES(3,'2026-01-02 03:04:05.678901','camelopard','user added','user','ann','command line','{"roles":["viewer","developer"]}','7937c1384419faed924bd1a7b8b5591b0dcb0c87411356cfc6f51aae10166497','35ff9bbadf2c718b2d53b192bc5899e2f140fa03ba7a823f01ef96cc5b9f9c7a');
INSERT INTO audit VALUES(4,'2026-01-02 03:04:05.678901','camelopard','user added','user','root','command line','{"roles":["admin"]}','35ff9bbadf2c718b2d53b192bc5899e2f140fa03ba7a823f01ef96cc5b9f9c7a','e62331874495a40afa74313d94c73e75c935d340b90e309a25a9f2f287583bb3');
INSERT INTO audit VALUES(5,'2026-01-02 03:04:05.678901','camelopard','user added','user','zoe','command line','{"roles":["approver"]}','e62331874495a40afa74313d94c73e75c935d340b90e309a25a9f2f287583bb3','4ebc57c42ebdee1690e4fcfc6b1b19aed3b13dec443acb2c7523aa6bece050fb');
INSERT INTO audit VALUES(6,'2026-01-02 03:04:05.678901','camelopard','password changed','user','ann','command line','{}','4ebc57c42ebdee1690e4fcfc6b1b19aed3b13dec443acb2c7523aa6bece050fb','998403c4089836c54035ec7d03ecf81db3dddaeec19fdee7ac6faba0f2637fcc');
INSERT INTO audit VALUES(7,'2026-01-02 03:04:05.678901','camelopard','password changed','user','root','command line','{}','998403c4089836c54035ec7d03ecf81db3dddaeec19fdee7ac6faba0f2637fcc','14ade5be8337a836ab5370eabf39b9345d9d7baf4110c2dc9b7c7d4c8f50fd28');
INSERT INTO audit VALUES(8,'2026-01-02 04:04:05.678901','ann','version added','model','income','','{"firewall":"7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed","model_file":null,"note":"the first","number":1}','14ade5be8337a836ab5370eabf39b9345d9d7baf4110c2dc9b7c7d4c8f50fd28','3552f3242b129b977b4e5bd8101ae676669495302c91fcb91b036b3c84e89caf');
INSERT INTO audit VALUES(9,'2026-01-02 04:04:05.678901','ann','token made','token','00000001','','{"ends_at":"2027-01-02T04:04:05.678901+00:00","label":"for the batch \u2014 nightly","owner":"ann","scopes":["ask models"]}','3552f3242b129b977b4e5bd8101ae676669495302c91fcb91b036b3c84e89caf','9a870d92036627ae3de64b11f0f36e7ee880e40ae101f42681625ba49a474cd5');
INSERT INTO audit VALUES(10,'2026-01-02 04:04:05.678901','ann','token made','token','00000002','','{"ends_at":"2026-02-01T04:04:05.678901+00:00","label":"lost","owner":"ann","scopes":["see models"]}','9a870d92036627ae3de64b11f0f36e7ee880e40ae101f42681625ba49a474cd5','f026dbc087761ed47359f6442da6aaf1eb7650699840c302df46614d00aee06a');
INSERT INTO audit VALUES(11,'2026-01-02 04:04:05.678901','ann','token revoked','token','00000002','','{"owner":"ann"}','f026dbc087761ed47359f6442da6aaf1eb7650699840c302df46614d00aee06a','ab693eab53cd7ed387d328ee98ba31a9cad430388ed82276e3ca48200819f80a');
INSERT INTO audit VALUES(12,'2026-01-02 05:04:05.678901','zoe','version approved','model','income','','{"firewall":"7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed","made_by":"ann","number":1}','ab693eab53cd7ed387d328ee98ba31a9cad430388ed82276e3ca48200819f80a','d225152087159950425011036366983a115df4525834447d10770d7e6be2e381');
INSERT INTO audit VALUES(13,'2026-01-02 05:04:05.678901','camelopard','version put in force','model','income','command line','{"firewall":"7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed","state":"draft","version":[null,1]}','d225152087159950425011036366983a115df4525834447d10770d7e6be2e381','7d2a0300b13032a2046fd88ea3a97756958dd74816691d8ad3623e58753ea9ee');
INSERT INTO audit VALUES(14,'2026-01-02 05:04:05.678901','camelopard','user disabled','user','zoe','command line','{}','7d2a0300b13032a2046fd88ea3a97756958dd74816691d8ad3623e58753ea9ee','3c0fa72723421a48fb8724ffb3f1ad7b9bd3a73c663900989a98625e7d5aa260');
INSERT INTO audit VALUES(15,'2026-01-02 06:04:05.678901','ann','signed in','user','ann','session','{"address":"127.0.0.1"}','3c0fa72723421a48fb8724ffb3f1ad7b9bd3a73c663900989a98625e7d5aa260','c2f832b2be3be71529a2605eda1fc580dc4259930c86ffdf1abac1faee7463d9');
INSERT INTO audit VALUES(16,'2026-01-02 06:04:05.678901','nobody','sign-in failed','user','zoe','session','{"address":"127.0.0.1"}','c2f832b2be3be71529a2605eda1fc580dc4259930c86ffdf1abac1faee7463d9','2ca2aabe6166cfa922829b507a610bb728254a382ca14862a275a6a4d8250fb6');
CREATE TABLE audit_head (
	id SMALLINT NOT NULL, 
	number BIGINT NOT NULL, 
	hash TEXT NOT NULL, 
	CONSTRAINT pk_audit_head PRIMARY KEY (id), 
	CONSTRAINT ck_audit_head_one CHECK (id = 1)
);
INSERT INTO audit_head VALUES(1,16,'2ca2aabe6166cfa922829b507a610bb728254a382ca14862a275a6a4d8250fb6');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version VALUES('r0002');
CREATE TABLE users (
	name TEXT NOT NULL, 
	password TEXT NOT NULL, 
	must_change BOOLEAN NOT NULL, 
	active BOOLEAN NOT NULL, 
	made_at DATETIME NOT NULL, 
	password_at DATETIME NOT NULL, 
	CONSTRAINT pk_users PRIMARY KEY (name)
);
INSERT INTO users VALUES('ann','$argon2id$v=19$m=8,t=1,p=1$W1iIHA1ex2kG7+H8qQSUFw$Vv8gLij3K69WDr6QS/4FWKTSUvutm/5mTFiLvT6t4qA',0,1,'2026-01-02 03:04:05.678901','2026-01-02 03:04:05.678901');
INSERT INTO users VALUES('root','$argon2id$v=19$m=8,t=1,p=1$ji0X5KdhStHb+CBD3OtLrQ$sPf0Ru0UnWQzijULN+E0x5sVJpaefPw7OrgfoTAHmZ0',0,1,'2026-01-02 03:04:05.678901','2026-01-02 03:04:05.678901');
INSERT INTO users VALUES('zoe','$argon2id$v=19$m=8,t=1,p=1$f82r+72hXWRHlIoiE3SWLg$Tydszc6TDEMLsY+5mug3mAeiRHbZzpATZ25YtvAC9Hw',1,0,'2026-01-02 03:04:05.678901','2026-01-02 03:04:05.678901');
CREATE TABLE roles (
	name TEXT NOT NULL, 
	role TEXT NOT NULL, 
	CONSTRAINT pk_roles PRIMARY KEY (name, role), 
	CONSTRAINT fk_roles_name FOREIGN KEY(name) REFERENCES users (name)
);
INSERT INTO roles VALUES('ann','viewer');
INSERT INTO roles VALUES('ann','developer');
INSERT INTO roles VALUES('root','admin');
INSERT INTO roles VALUES('zoe','approver');
CREATE TABLE tokens (
	id TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	label TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	scopes TEXT NOT NULL, 
	made_at DATETIME NOT NULL, 
	ends_at DATETIME NOT NULL, 
	revoked_at DATETIME, 
	CONSTRAINT pk_tokens PRIMARY KEY (id), 
	CONSTRAINT fk_tokens_owner FOREIGN KEY(owner) REFERENCES users (name)
);
INSERT INTO tokens VALUES('00000001','ann','for the batch — nightly','9ce3999a699412aba7a37362bfac4663833743f99dff381cfb52792412e62ffe','ask models','2026-01-02 04:04:05.678901','2027-01-02 04:04:05.678901',NULL);
INSERT INTO tokens VALUES('00000002','ann','lost','98e6308af4e00463cf1dc441205a474d3d7abb3ad09d84304404ef952affd827','see models','2026-01-02 04:04:05.678901','2026-02-01 04:04:05.678901','2026-01-02 04:04:05.678901');
CREATE TABLE token_uses (
	id TEXT NOT NULL, 
	used_at DATETIME NOT NULL, 
	CONSTRAINT pk_token_uses PRIMARY KEY (id), 
	CONSTRAINT fk_token_uses_id FOREIGN KEY(id) REFERENCES tokens (id)
);
INSERT INTO token_uses VALUES('00000001','2026-01-02 06:04:05.678901');
CREATE TABLE sessions (
	hash TEXT NOT NULL, 
	name TEXT NOT NULL, 
	made_at DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	ends_at DATETIME NOT NULL, 
	CONSTRAINT pk_sessions PRIMARY KEY (hash), 
	CONSTRAINT fk_sessions_name FOREIGN KEY(name) REFERENCES users (name)
);
INSERT INTO sessions VALUES('5dc9bbef17e54fc0698303ea4a614f242de1dda8f827feeac962cdf4fc758714','ann','2026-01-02 06:04:05.678901','2026-01-02 06:04:05.678901','2026-01-02 18:04:05.678901');
CREATE TABLE attempts (
	"key" TEXT NOT NULL, 
	count INTEGER NOT NULL, 
	since DATETIME NOT NULL, 
	CONSTRAINT pk_attempts PRIMARY KEY ("key")
);
INSERT INTO attempts VALUES('fd3fb1148faacb1db73ce240eb65dc2f042b2627488495eea9b60f8423852dfa',1,'2026-01-02 06:04:05.678901');
INSERT INTO attempts VALUES('fed03448d4eac955737eeb1ba0cda332d258d0d092a1cbe70701a365cbbde9e7',0,'2026-01-02 06:04:05.678901');
INSERT INTO attempts VALUES('2e444c828ee0fc532a5e307ffa654427fd4ab569a84f707b75d96776042920fa',1,'2026-01-02 06:04:05.678901');
INSERT INTO attempts VALUES('ae35643014ff37c8922cc2690bf53e63fae3357da735d73650dee78e0c4c5c91',1,'2026-01-02 06:04:05.678901');
CREATE INDEX ix_models_state_name ON models (state, name);
CREATE INDEX ix_models_owner_name ON models (owner, name);
CREATE INDEX ix_models_state_owner_name ON models (state, owner, name);
CREATE INDEX ix_models_stake_name ON models (stake, name);
CREATE INDEX ix_models_state_stake_name ON models (state, stake, name);
CREATE INDEX ix_models_changed_at_name ON models (changed_at, name);
CREATE INDEX ix_models_state_changed_at_name ON models (state, changed_at, name);
CREATE INDEX ix_models_traffic_name ON models (traffic, name);
CREATE INDEX ix_models_state_traffic_name ON models (state, traffic, name);
CREATE INDEX ix_models_not_passed_name ON models (not_passed, name);
CREATE INDEX ix_models_state_not_passed_name ON models (state, not_passed, name);
CREATE INDEX ix_models_accuracy_name ON models (accuracy, name);
CREATE INDEX ix_models_state_accuracy_name ON models (state, accuracy, name);
CREATE INDEX ix_models_questions_name ON models (questions, name);
CREATE INDEX ix_models_state_questions_name ON models (state, questions, name);
CREATE INDEX ix_versions_firewall ON versions (firewall);
CREATE INDEX ix_audit_kind_subject_number ON audit (kind, subject, number);
CREATE INDEX ix_audit_actor_number ON audit (actor, number);
CREATE INDEX ix_audit_action_number ON audit (action, number);
CREATE TRIGGER audit_keeps_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END;
CREATE TRIGGER audit_keeps_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END;
CREATE INDEX ix_roles_role_name ON roles (role, name);
CREATE INDEX ix_tokens_owner_made_at ON tokens (owner, made_at);
CREATE INDEX ix_sessions_name ON sessions (name);
CREATE INDEX ix_sessions_ends_at ON sessions (ends_at);
CREATE INDEX ix_attempts_since ON attempts (since);
COMMIT;

-- A store as the first revision of the tables left it. Never changed: it must open with every later version.
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
INSERT INTO models VALUES('income','ann',2,4,8,'draft',NULL,'2026-01-02 03:04:05.678901','2026-01-02 04:04:05.678901',0,-1.0,-1.0,0,NULL,'income ann tells whether somebody earns more than 50,000 a year.','Tells whether somebody earns more than 50,000 a year.');
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
INSERT INTO versions VALUES('income',1,'7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed',NULL,replace('[[assumption]]\ncode = "range"\n','\n',char(10)),'{"auroc":0.93,"rows":16280}','the first','2026-01-02 04:04:05.678901','ann',NULL,NULL);
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
INSERT INTO audit VALUES(3,'2026-01-02 04:04:05.678901','ann','version added','model','income','session','{"firewall":"7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed","model_file":null,"note":"the first","number":1}','7937c1384419faed924bd1a7b8b5591b0dcb0c87411356cfc6f51aae10166497','7a39588d16aba6769593bb4414aaa1c5292c141bc90be862792aa18b94d4253d');
CREATE TABLE audit_head (
	id SMALLINT NOT NULL,
	number BIGINT NOT NULL,
	hash TEXT NOT NULL,
	CONSTRAINT pk_audit_head PRIMARY KEY (id),
	CONSTRAINT ck_audit_head_one CHECK (id = 1)
);
INSERT INTO audit_head VALUES(1,3,'7a39588d16aba6769593bb4414aaa1c5292c141bc90be862792aa18b94d4253d');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version VALUES('r0001');
CREATE INDEX ix_models_owner_name ON models (owner, name);
CREATE INDEX ix_models_stake_name ON models (stake, name);
CREATE INDEX ix_models_changed_at_name ON models (changed_at, name);
CREATE INDEX ix_models_state_name ON models (state, name);
CREATE INDEX ix_models_state_owner_name ON models (state, owner, name);
CREATE INDEX ix_models_state_traffic_name ON models (state, traffic, name);
CREATE INDEX ix_models_state_not_passed_name ON models (state, not_passed, name);
CREATE INDEX ix_models_state_accuracy_name ON models (state, accuracy, name);
CREATE INDEX ix_models_state_questions_name ON models (state, questions, name);
CREATE INDEX ix_models_state_stake_name ON models (state, stake, name);
CREATE INDEX ix_models_state_changed_at_name ON models (state, changed_at, name);
CREATE INDEX ix_models_traffic_name ON models (traffic, name);
CREATE INDEX ix_models_not_passed_name ON models (not_passed, name);
CREATE INDEX ix_models_accuracy_name ON models (accuracy, name);
CREATE INDEX ix_models_questions_name ON models (questions, name);
CREATE INDEX ix_versions_firewall ON versions (firewall);
CREATE INDEX ix_audit_kind_subject_number ON audit (kind, subject, number);
CREATE INDEX ix_audit_actor_number ON audit (actor, number);
CREATE INDEX ix_audit_action_number ON audit (action, number);
CREATE TRIGGER audit_keeps_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END;
CREATE TRIGGER audit_keeps_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END;
COMMIT;

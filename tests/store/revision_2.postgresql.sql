-- A store as the second revision of the tables left it. Never changed: it must open with every later version.
CREATE FUNCTION public.audit_keeps() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'the audit log is only ever added to'; END $$;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.attempts (
    key text NOT NULL COLLATE pg_catalog."C",
    count integer NOT NULL,
    since timestamp with time zone NOT NULL
);
CREATE TABLE public.audit (
    number bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL COLLATE pg_catalog."C",
    action text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    subject text NOT NULL COLLATE pg_catalog."C",
    via text NOT NULL,
    details text NOT NULL,
    previous text NOT NULL,
    hash text NOT NULL
);
CREATE TABLE public.audit_head (
    id smallint NOT NULL,
    number bigint NOT NULL,
    hash text NOT NULL,
    CONSTRAINT ck_audit_head_one CHECK ((id = 1))
);
CREATE TABLE public.models (
    name text NOT NULL COLLATE pg_catalog."C",
    owner text NOT NULL COLLATE pg_catalog."C",
    exposure smallint NOT NULL,
    consequence smallint NOT NULL,
    stake smallint NOT NULL,
    state text NOT NULL COLLATE pg_catalog."C",
    version integer,
    made_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    traffic bigint DEFAULT '0'::bigint NOT NULL,
    not_passed double precision DEFAULT '-1'::double precision NOT NULL,
    accuracy double precision DEFAULT '-1'::double precision NOT NULL,
    questions bigint DEFAULT '0'::bigint NOT NULL,
    measured_at timestamp with time zone,
    words text NOT NULL,
    purpose text NOT NULL,
    CONSTRAINT ck_models_consequence CHECK (((consequence >= 1) AND (consequence <= 5))),
    CONSTRAINT ck_models_exposure CHECK (((exposure >= 1) AND (exposure <= 5))),
    CONSTRAINT ck_models_state CHECK ((state = ANY (ARRAY['draft'::text, 'shadow'::text, 'guarding'::text, 'retired'::text])))
);
CREATE TABLE public.roles (
    name text NOT NULL COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.sessions (
    hash text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    made_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL
);
CREATE TABLE public.token_uses (
    id text NOT NULL COLLATE pg_catalog."C",
    used_at timestamp with time zone NOT NULL
);
CREATE TABLE public.tokens (
    id text NOT NULL COLLATE pg_catalog."C",
    owner text NOT NULL COLLATE pg_catalog."C",
    label text NOT NULL,
    hash text NOT NULL,
    scopes text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone
);
CREATE TABLE public.users (
    name text NOT NULL COLLATE pg_catalog."C",
    password text NOT NULL,
    must_change boolean NOT NULL,
    active boolean NOT NULL,
    made_at timestamp with time zone NOT NULL,
    password_at timestamp with time zone NOT NULL
);
CREATE TABLE public.versions (
    model text NOT NULL COLLATE pg_catalog."C",
    number integer NOT NULL,
    firewall text NOT NULL COLLATE pg_catalog."C",
    model_file text COLLATE pg_catalog."C",
    contract text NOT NULL,
    evidence text NOT NULL,
    note text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    made_by text NOT NULL COLLATE pg_catalog."C",
    approved_at timestamp with time zone,
    approved_by text COLLATE pg_catalog."C",
    CONSTRAINT ck_versions_approved CHECK (((approved_by IS NULL) OR (approved_by <> made_by)))
);
INSERT INTO public.alembic_version VALUES ('r0002');
INSERT INTO public.attempts VALUES ('fed03448d4eac955737eeb1ba0cda332d258d0d092a1cbe70701a365cbbde9e7', 0, '2026-01-02 06:04:05.678901+00');
INSERT INTO public.attempts VALUES ('2e444c828ee0fc532a5e307ffa654427fd4ab569a84f707b75d96776042920fa', 1, '2026-01-02 06:04:05.678901+00');
INSERT INTO public.attempts VALUES ('ae35643014ff37c8922cc2690bf53e63fae3357da735d73650dee78e0c4c5c91', 1, '2026-01-02 06:04:05.678901+00');
INSERT INTO public.attempts VALUES ('fd3fb1148faacb1db73ce240eb65dc2f042b2627488495eea9b60f8423852dfa', 1, '2026-01-02 06:04:05.678901+00');
INSERT INTO public.audit VALUES (1, '2026-01-02 03:04:05.678901+00', 'camelopard', 'model added', 'model', 'income', 'command line', '{"consequence":4,"exposure":2,"owner":"ann","purpose":"Tells whether somebody earns more than 50,000 a year."}', '0000000000000000000000000000000000000000000000000000000000000000', '2ba7b3f8c5568f68cf62d0e0565af137a3ff52abbe94ab702055d6f9ce4dce12');
INSERT INTO public.audit VALUES (2, '2026-01-02 03:04:05.678901+00', 'camelopard', 'model added', 'model', 'churn — naïve', 'command line', '{"consequence":1,"exposure":1,"owner":"team two","purpose":""}', '2ba7b3f8c5568f68cf62d0e0565af137a3ff52abbe94ab702055d6f9ce4dce12', '7937c1384419faed924bd1a7b8b5591b0dcb0c87411356cfc6f51aae10166497');
INSERT INTO public.audit VALUES (3, '2026-01-02 03:04:05.678901+00', 'camelopard', 'user added', 'user', 'ann', 'command line', '{"roles":["viewer","developer"]}', '7937c1384419faed924bd1a7b8b5591b0dcb0c87411356cfc6f51aae10166497', '35ff9bbadf2c718b2d53b192bc5899e2f140fa03ba7a823f01ef96cc5b9f9c7a');
INSERT INTO public.audit VALUES (4, '2026-01-02 03:04:05.678901+00', 'camelopard', 'user added', 'user', 'root', 'command line', '{"roles":["admin"]}', '35ff9bbadf2c718b2d53b192bc5899e2f140fa03ba7a823f01ef96cc5b9f9c7a', 'e62331874495a40afa74313d94c73e75c935d340b90e309a25a9f2f287583bb3');
INSERT INTO public.audit VALUES (5, '2026-01-02 03:04:05.678901+00', 'camelopard', 'user added', 'user', 'zoe', 'command line', '{"roles":["approver"]}', 'e62331874495a40afa74313d94c73e75c935d340b90e309a25a9f2f287583bb3', '4ebc57c42ebdee1690e4fcfc6b1b19aed3b13dec443acb2c7523aa6bece050fb');
INSERT INTO public.audit VALUES (6, '2026-01-02 03:04:05.678901+00', 'camelopard', 'password changed', 'user', 'ann', 'command line', '{}', '4ebc57c42ebdee1690e4fcfc6b1b19aed3b13dec443acb2c7523aa6bece050fb', '998403c4089836c54035ec7d03ecf81db3dddaeec19fdee7ac6faba0f2637fcc');
INSERT INTO public.audit VALUES (7, '2026-01-02 03:04:05.678901+00', 'camelopard', 'password changed', 'user', 'root', 'command line', '{}', '998403c4089836c54035ec7d03ecf81db3dddaeec19fdee7ac6faba0f2637fcc', '14ade5be8337a836ab5370eabf39b9345d9d7baf4110c2dc9b7c7d4c8f50fd28');
INSERT INTO public.audit VALUES (8, '2026-01-02 04:04:05.678901+00', 'ann', 'version added', 'model', 'income', '', '{"firewall":"7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed","model_file":null,"note":"the first","number":1}', '14ade5be8337a836ab5370eabf39b9345d9d7baf4110c2dc9b7c7d4c8f50fd28', '3552f3242b129b977b4e5bd8101ae676669495302c91fcb91b036b3c84e89caf');
INSERT INTO public.audit VALUES (9, '2026-01-02 04:04:05.678901+00', 'ann', 'token made', 'token', '00000001', '', '{"ends_at":"2027-01-02T04:04:05.678901+00:00","label":"for the batch \u2014 nightly","owner":"ann","scopes":["ask models"]}', '3552f3242b129b977b4e5bd8101ae676669495302c91fcb91b036b3c84e89caf', '9a870d92036627ae3de64b11f0f36e7ee880e40ae101f42681625ba49a474cd5');
INSERT INTO public.audit VALUES (10, '2026-01-02 04:04:05.678901+00', 'ann', 'token made', 'token', '00000002', '', '{"ends_at":"2026-02-01T04:04:05.678901+00:00","label":"lost","owner":"ann","scopes":["see models"]}', '9a870d92036627ae3de64b11f0f36e7ee880e40ae101f42681625ba49a474cd5', 'f026dbc087761ed47359f6442da6aaf1eb7650699840c302df46614d00aee06a');
INSERT INTO public.audit VALUES (11, '2026-01-02 04:04:05.678901+00', 'ann', 'token revoked', 'token', '00000002', '', '{"owner":"ann"}', 'f026dbc087761ed47359f6442da6aaf1eb7650699840c302df46614d00aee06a', 'ab693eab53cd7ed387d328ee98ba31a9cad430388ed82276e3ca48200819f80a');
INSERT INTO public.audit VALUES (12, '2026-01-02 05:04:05.678901+00', 'zoe', 'version approved', 'model', 'income', '', '{"firewall":"7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed","made_by":"ann","number":1}', 'ab693eab53cd7ed387d328ee98ba31a9cad430388ed82276e3ca48200819f80a', 'd225152087159950425011036366983a115df4525834447d10770d7e6be2e381');
INSERT INTO public.audit VALUES (13, '2026-01-02 05:04:05.678901+00', 'camelopard', 'version put in force', 'model', 'income', 'command line', '{"firewall":"7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed","state":"draft","version":[null,1]}', 'd225152087159950425011036366983a115df4525834447d10770d7e6be2e381', '7d2a0300b13032a2046fd88ea3a97756958dd74816691d8ad3623e58753ea9ee');
INSERT INTO public.audit VALUES (14, '2026-01-02 05:04:05.678901+00', 'camelopard', 'user disabled', 'user', 'zoe', 'command line', '{}', '7d2a0300b13032a2046fd88ea3a97756958dd74816691d8ad3623e58753ea9ee', '3c0fa72723421a48fb8724ffb3f1ad7b9bd3a73c663900989a98625e7d5aa260');
INSERT INTO public.audit VALUES (15, '2026-01-02 06:04:05.678901+00', 'ann', 'signed in', 'user', 'ann', 'session', '{"address":"127.0.0.1"}', '3c0fa72723421a48fb8724ffb3f1ad7b9bd3a73c663900989a98625e7d5aa260', 'c2f832b2be3be71529a2605eda1fc580dc4259930c86ffdf1abac1faee7463d9');
INSERT INTO public.audit VALUES (16, '2026-01-02 06:04:05.678901+00', 'nobody', 'sign-in failed', 'user', 'zoe', 'session', '{"address":"127.0.0.1"}', 'c2f832b2be3be71529a2605eda1fc580dc4259930c86ffdf1abac1faee7463d9', '2ca2aabe6166cfa922829b507a610bb728254a382ca14862a275a6a4d8250fb6');
INSERT INTO public.audit_head VALUES (1, 16, '2ca2aabe6166cfa922829b507a610bb728254a382ca14862a275a6a4d8250fb6');
INSERT INTO public.models VALUES ('churn — naïve', 'team two', 1, 1, 1, 'draft', NULL, '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00', 0, -1, -1, 0, NULL, 'churn — naïve team two', '');
INSERT INTO public.models VALUES ('income', 'ann', 2, 4, 8, 'draft', 1, '2026-01-02 03:04:05.678901+00', '2026-01-02 05:04:05.678901+00', 0, -1, -1, 0, NULL, 'income ann tells whether somebody earns more than 50,000 a year.', 'Tells whether somebody earns more than 50,000 a year.');
INSERT INTO public.roles VALUES ('ann', 'viewer');
INSERT INTO public.roles VALUES ('ann', 'developer');
INSERT INTO public.roles VALUES ('root', 'admin');
INSERT INTO public.roles VALUES ('zoe', 'approver');
INSERT INTO public.sessions VALUES ('5dc9bbef17e54fc0698303ea4a614f242de1dda8f827feeac962cdf4fc758714', 'ann', '2026-01-02 06:04:05.678901+00', '2026-01-02 06:04:05.678901+00', '2026-01-02 18:04:05.678901+00');
INSERT INTO public.token_uses VALUES ('00000001', '2026-01-02 06:04:05.678901+00');
INSERT INTO public.tokens VALUES ('00000001', 'ann', 'for the batch — nightly', '9ce3999a699412aba7a37362bfac4663833743f99dff381cfb52792412e62ffe', 'ask models', '2026-01-02 04:04:05.678901+00', '2027-01-02 04:04:05.678901+00', NULL);
INSERT INTO public.tokens VALUES ('00000002', 'ann', 'lost', '98e6308af4e00463cf1dc441205a474d3d7abb3ad09d84304404ef952affd827', 'see models', '2026-01-02 04:04:05.678901+00', '2026-02-01 04:04:05.678901+00', '2026-01-02 04:04:05.678901+00');
INSERT INTO public.users VALUES ('root', '$argon2id$v=19$m=8,t=1,p=1$5CfrdSuCOeom/SsW6Q+woQ$42sIvQtNmf9edHZ3RVgQ06dv47TIk0QbjFIJ4pDgCfw', false, true, '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00');
INSERT INTO public.users VALUES ('zoe', '$argon2id$v=19$m=8,t=1,p=1$EoCr6AIhLfJugoctdLfcGQ$oj0KpjMg94z+MLe7fy6zeVfEZgJ+iLqyzmh+7rXz2qs', true, false, '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00');
INSERT INTO public.users VALUES ('ann', '$argon2id$v=19$m=8,t=1,p=1$J2QiqV/zh/zErRnywbDcow$uzZfvgnRAjUULPKZtaArzsECvKJoQ07/sVznB0KcLbY', false, true, '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00');
INSERT INTO public.versions VALUES ('income', 1, '7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed', NULL, '[[assumption]]
code = "range"
', '{"auroc":0.93,"rows":16280}', 'the first', '2026-01-02 04:04:05.678901+00', 'ann', '2026-01-02 05:04:05.678901+00', 'zoe');
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT pk_attempts PRIMARY KEY (key);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT pk_audit PRIMARY KEY (number);
ALTER TABLE ONLY public.audit_head
    ADD CONSTRAINT pk_audit_head PRIMARY KEY (id);
ALTER TABLE ONLY public.models
    ADD CONSTRAINT pk_models PRIMARY KEY (name);
ALTER TABLE ONLY public.roles
    ADD CONSTRAINT pk_roles PRIMARY KEY (name, role);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT pk_sessions PRIMARY KEY (hash);
ALTER TABLE ONLY public.token_uses
    ADD CONSTRAINT pk_token_uses PRIMARY KEY (id);
ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT pk_tokens PRIMARY KEY (id);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT pk_users PRIMARY KEY (name);
ALTER TABLE ONLY public.versions
    ADD CONSTRAINT pk_versions PRIMARY KEY (model, number);
CREATE INDEX ix_attempts_since ON public.attempts USING btree (since);
CREATE INDEX ix_audit_action_number ON public.audit USING btree (action, number);
CREATE INDEX ix_audit_actor_number ON public.audit USING btree (actor, number);
CREATE INDEX ix_audit_kind_subject_number ON public.audit USING btree (kind, subject, number);
CREATE INDEX ix_models_accuracy_name ON public.models USING btree (accuracy, name);
CREATE INDEX ix_models_changed_at_name ON public.models USING btree (changed_at, name);
CREATE INDEX ix_models_not_passed_name ON public.models USING btree (not_passed, name);
CREATE INDEX ix_models_owner_name ON public.models USING btree (owner, name);
CREATE INDEX ix_models_questions_name ON public.models USING btree (questions, name);
CREATE INDEX ix_models_stake_name ON public.models USING btree (stake, name);
CREATE INDEX ix_models_state_accuracy_name ON public.models USING btree (state, accuracy, name);
CREATE INDEX ix_models_state_changed_at_name ON public.models USING btree (state, changed_at, name);
CREATE INDEX ix_models_state_name ON public.models USING btree (state, name);
CREATE INDEX ix_models_state_not_passed_name ON public.models USING btree (state, not_passed, name);
CREATE INDEX ix_models_state_owner_name ON public.models USING btree (state, owner, name);
CREATE INDEX ix_models_state_questions_name ON public.models USING btree (state, questions, name);
CREATE INDEX ix_models_state_stake_name ON public.models USING btree (state, stake, name);
CREATE INDEX ix_models_state_traffic_name ON public.models USING btree (state, traffic, name);
CREATE INDEX ix_models_traffic_name ON public.models USING btree (traffic, name);
CREATE INDEX ix_roles_role_name ON public.roles USING btree (role, name);
CREATE INDEX ix_sessions_ends_at ON public.sessions USING btree (ends_at);
CREATE INDEX ix_sessions_name ON public.sessions USING btree (name);
CREATE INDEX ix_tokens_owner_made_at ON public.tokens USING btree (owner, made_at);
CREATE INDEX ix_versions_firewall ON public.versions USING btree (firewall);
CREATE TRIGGER audit_keeps BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit FOR EACH STATEMENT EXECUTE FUNCTION public.audit_keeps();
ALTER TABLE ONLY public.roles
    ADD CONSTRAINT fk_roles_name FOREIGN KEY (name) REFERENCES public.users(name);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT fk_sessions_name FOREIGN KEY (name) REFERENCES public.users(name);
ALTER TABLE ONLY public.token_uses
    ADD CONSTRAINT fk_token_uses_id FOREIGN KEY (id) REFERENCES public.tokens(id);
ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT fk_tokens_owner FOREIGN KEY (owner) REFERENCES public.users(name);
ALTER TABLE ONLY public.versions
    ADD CONSTRAINT fk_versions_model FOREIGN KEY (model) REFERENCES public.models(name);

-- A store as the first revision of the tables left it. Never changed: it must open with every later version.
CREATE FUNCTION public.audit_keeps() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'the audit log is only ever added to'; END $$;
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
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
INSERT INTO public.alembic_version VALUES ('r0001');
INSERT INTO public.audit VALUES (1, '2026-01-02 03:04:05.678901+00', 'camelopard', 'model added', 'model', 'income', 'command line', '{"consequence":4,"exposure":2,"owner":"ann","purpose":"Tells whether somebody earns more than 50,000 a year."}', '0000000000000000000000000000000000000000000000000000000000000000', '2ba7b3f8c5568f68cf62d0e0565af137a3ff52abbe94ab702055d6f9ce4dce12');
INSERT INTO public.audit VALUES (2, '2026-01-02 03:04:05.678901+00', 'camelopard', 'model added', 'model', 'churn — naïve', 'command line', '{"consequence":1,"exposure":1,"owner":"team two","purpose":""}', '2ba7b3f8c5568f68cf62d0e0565af137a3ff52abbe94ab702055d6f9ce4dce12', '7937c1384419faed924bd1a7b8b5591b0dcb0c87411356cfc6f51aae10166497');
INSERT INTO public.audit VALUES (3, '2026-01-02 04:04:05.678901+00', 'ann', 'version added', 'model', 'income', 'session', '{"firewall":"7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed","model_file":null,"note":"the first","number":1}', '7937c1384419faed924bd1a7b8b5591b0dcb0c87411356cfc6f51aae10166497', '7a39588d16aba6769593bb4414aaa1c5292c141bc90be862792aa18b94d4253d');
INSERT INTO public.audit_head VALUES (1, 3, '7a39588d16aba6769593bb4414aaa1c5292c141bc90be862792aa18b94d4253d');
INSERT INTO public.models VALUES ('churn — naïve', 'team two', 1, 1, 1, 'draft', NULL, '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00', 0, -1, -1, 0, NULL, 'churn — naïve team two', '');
INSERT INTO public.models VALUES ('income', 'ann', 2, 4, 8, 'draft', NULL, '2026-01-02 03:04:05.678901+00', '2026-01-02 04:04:05.678901+00', 0, -1, -1, 0, NULL, 'income ann tells whether somebody earns more than 50,000 a year.', 'Tells whether somebody earns more than 50,000 a year.');
INSERT INTO public.versions VALUES ('income', 1, '7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed', NULL, '[[assumption]]
code = "range"
', '{"auroc":0.93,"rows":16280}', 'the first', '2026-01-02 04:04:05.678901+00', 'ann', NULL, NULL);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT pk_audit PRIMARY KEY (number);
ALTER TABLE ONLY public.audit_head
    ADD CONSTRAINT pk_audit_head PRIMARY KEY (id);
ALTER TABLE ONLY public.models
    ADD CONSTRAINT pk_models PRIMARY KEY (name);
ALTER TABLE ONLY public.versions
    ADD CONSTRAINT pk_versions PRIMARY KEY (model, number);
CREATE INDEX ix_audit_action_number ON public.audit USING btree (action, number);
CREATE INDEX ix_audit_actor_number ON public.audit USING btree (actor, number);
CREATE INDEX ix_audit_kind_subject_number ON public.audit USING btree (kind, subject, number);
CREATE INDEX ix_models_accuracy_name ON public.models USING btree (accuracy, name);
CREATE INDEX ix_models_changed_at_name ON public.models USING btree (changed_at, name);
CREATE INDEX ix_models_not_passed_name ON public.models USING btree (not_passed, name);
CREATE INDEX ix_models_owner_name ON public.models USING btree (owner, name);
CREATE INDEX ix_models_questions_name ON public.models USING btree (questions, name);
CREATE INDEX ix_models_stake_name ON public.models USING btree (stake, name);
CREATE INDEX ix_models_state_changed_at_name ON public.models USING btree (state, changed_at, name);
CREATE INDEX ix_models_state_name ON public.models USING btree (state, name);
CREATE INDEX ix_models_state_owner_name ON public.models USING btree (state, owner, name);
CREATE INDEX ix_models_state_traffic_name ON public.models USING btree (state, traffic, name);
CREATE INDEX ix_models_state_not_passed_name ON public.models USING btree (state, not_passed, name);
CREATE INDEX ix_models_state_accuracy_name ON public.models USING btree (state, accuracy, name);
CREATE INDEX ix_models_state_questions_name ON public.models USING btree (state, questions, name);
CREATE INDEX ix_models_state_stake_name ON public.models USING btree (state, stake, name);
CREATE INDEX ix_models_traffic_name ON public.models USING btree (traffic, name);
CREATE INDEX ix_versions_firewall ON public.versions USING btree (firewall);
CREATE TRIGGER audit_keeps BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit FOR EACH STATEMENT EXECUTE FUNCTION public.audit_keeps();
ALTER TABLE ONLY public.versions
    ADD CONSTRAINT fk_versions_model FOREIGN KEY (model) REFERENCES public.models(name);

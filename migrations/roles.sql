-- The roles of a tokentill database on PostgreSQL: who owns the tables, who works with them, and who only looks.
--
-- Run it on the database after `tokentill db upgrade`, each time, as a superuser or as the database's owner:
--
--     tokentill db roles | psql "$DATABASE_OF_THE_ADMINISTRATOR"
--
-- None of the three can log in. Let those who do be members of one of them:
--
--     CREATE ROLE billing LOGIN PASSWORD '...' IN ROLE tokentill_app;
--     CREATE ROLE auditor LOGIN PASSWORD '...' IN ROLE tokentill_reader;
--     CREATE ROLE deployer LOGIN PASSWORD '...' IN ROLE tokentill_owner;
--     ALTER ROLE deployer SET role = tokentill_owner;    -- so that what it makes belongs to the owner
--
-- Running it again changes nothing.

BEGIN;

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['tokentill_owner', 'tokentill_app', 'tokentill_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION', wanted);
        END IF;
    END LOOP;
END
$$;

-- The owner has the tables, their sequences and what their triggers do. Nobody else can switch a trigger off.
DO $$
DECLARE
    found record;
BEGIN
    EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %I TO tokentill_owner', current_schema());
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC, tokentill_app, tokentill_reader', current_schema());
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO tokentill_app, tokentill_reader', current_schema());
    FOR found IN
        SELECT tablename FROM pg_tables WHERE schemaname = current_schema()
    LOOP
        EXECUTE format('ALTER TABLE %I OWNER TO tokentill_owner', found.tablename);
        EXECUTE format('REVOKE ALL ON %I FROM PUBLIC, tokentill_app, tokentill_reader', found.tablename);
    END LOOP;
    FOR found IN
        SELECT oid::regprocedure::text AS signature FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'tokentill\_%'
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO tokentill_owner', found.signature);
    END LOOP;
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO tokentill_app, tokentill_reader', current_schema());
    EXECUTE format('GRANT INSERT ON ALL TABLES IN SCHEMA %I TO tokentill_app', current_schema());
    EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO tokentill_app', current_schema());
END
$$;

-- What the application may change: what moves by its nature, and nothing of what is issued but its becoming void.
-- It removes nothing.
REVOKE INSERT ON alembic_version, counter FROM tokentill_app;
GRANT UPDATE (value) ON counter TO tokentill_app;
GRANT UPDATE (state, epoch, finished_at, left_over) ON close_run TO tokentill_app;
GRANT UPDATE (status) ON invoice TO tokentill_app;
GRANT UPDATE ON customer, push, stripe_account TO tokentill_app;

COMMIT;

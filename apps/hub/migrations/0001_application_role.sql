-- The hub works as sigma_app, which owns nothing and is no superuser: the policies bind it.
GRANT USAGE ON SCHEMA public TO sigma_app;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO sigma_app;
--> statement-breakpoint
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO sigma_app;

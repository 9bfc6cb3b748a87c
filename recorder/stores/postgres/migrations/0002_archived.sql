-- What was moved to an archive: of each chain the end of the beginning that went, and the manifest that holds it. The
-- owner alone writes it, in the transaction that removes the blocks.
CREATE TABLE recorder.archived (
	tenant text NOT NULL,
	source text NOT NULL,
	epoch bigint NOT NULL,
	sequence bigint NOT NULL,
	hash bytea NOT NULL,
	at_us bigint NOT NULL,
	archive text NOT NULL,
	manifest bigint NOT NULL,
	manifest_sha256 text NOT NULL,
	PRIMARY KEY (tenant, source, epoch)
);
--> statement-breakpoint
ALTER TABLE recorder.archived ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
CREATE POLICY own_rows_only ON recorder.archived AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));
--> statement-breakpoint
GRANT SELECT ON recorder.archived TO sigma_recorder;

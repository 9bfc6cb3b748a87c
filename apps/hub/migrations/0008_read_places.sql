CREATE TABLE "read_places" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"source" text NOT NULL,
	"epoch" bigint NOT NULL,
	"marked" bigint NOT NULL,
	"decided" bigint NOT NULL,
	"state" jsonb NOT NULL,
	CONSTRAINT "read_places_tenant_source_epoch_pk" PRIMARY KEY("tenant","source","epoch")
);
--> statement-breakpoint
ALTER TABLE "read_places" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "read_places" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));
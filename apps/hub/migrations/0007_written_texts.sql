CREATE TABLE "texts" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"id" text NOT NULL,
	"sealed" "bytea" NOT NULL,
	CONSTRAINT "texts_tenant_id_pk" PRIMARY KEY("tenant","id")
);
--> statement-breakpoint
ALTER TABLE "texts" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "texts" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));
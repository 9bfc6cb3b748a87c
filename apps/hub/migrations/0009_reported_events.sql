CREATE TABLE "reported_events" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"source" text NOT NULL,
	"epoch" bigint NOT NULL,
	"sequence" bigint NOT NULL,
	"digest" "bytea" NOT NULL,
	"mark_id" text NOT NULL,
	"decision" bigint NOT NULL,
	CONSTRAINT "reported_events_tenant_source_epoch_sequence_pk" PRIMARY KEY("tenant","source","epoch","sequence")
);
--> statement-breakpoint
ALTER TABLE "reported_events" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "decisions" ADD COLUMN "reported" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "marks" ADD COLUMN "reported" boolean DEFAULT false NOT NULL;--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "reported_events" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));
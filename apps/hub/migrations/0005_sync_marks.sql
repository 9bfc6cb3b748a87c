CREATE TABLE "sync_marks" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"source" text NOT NULL,
	"epoch" bigint NOT NULL,
	"last_sequence" bigint NOT NULL,
	"first_sequence" bigint NOT NULL,
	"time_us" bigint NOT NULL,
	"count" bigint NOT NULL,
	CONSTRAINT "sync_marks_tenant_source_epoch_last_sequence_first_sequence_pk" PRIMARY KEY("tenant","source","epoch","last_sequence","first_sequence")
);
--> statement-breakpoint
ALTER TABLE "sync_marks" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE INDEX "sync_marks_newest" ON "sync_marks" USING btree ("tenant","time_us","count");--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "sync_marks" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));
CREATE TABLE "decisions" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"agent_id" text NOT NULL,
	"epoch" bigint NOT NULL,
	"sequence" bigint NOT NULL,
	"time_us" bigint NOT NULL,
	"made" bytea NOT NULL,
	CONSTRAINT "decisions_tenant_agent_id_epoch_sequence_pk" PRIMARY KEY("tenant","agent_id","epoch","sequence")
);
--> statement-breakpoint
ALTER TABLE "decisions" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "planner_states" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"name" text NOT NULL,
	"version" text NOT NULL,
	"at_us" bigint NOT NULL,
	"state" text NOT NULL,
	CONSTRAINT "planner_states_tenant_name_pk" PRIMARY KEY("tenant","name")
);
--> statement-breakpoint
ALTER TABLE "planner_states" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "decisions" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "planner_states" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));--> statement-breakpoint
-- Written often and read once: compressing it costs more than its room.
ALTER TABLE "planner_states" ALTER COLUMN "state" SET STORAGE EXTERNAL;

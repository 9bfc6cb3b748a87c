CREATE TABLE "active_faults" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"agent_id" text NOT NULL,
	"fault" text NOT NULL,
	"epoch" bigint NOT NULL,
	"ends_time_us" bigint NOT NULL,
	"by" text NOT NULL,
	CONSTRAINT "active_faults_tenant_agent_id_fault_pk" PRIMARY KEY("tenant","agent_id","fault")
);
--> statement-breakpoint
ALTER TABLE "active_faults" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "acts" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"id" text NOT NULL,
	"time_us" bigint NOT NULL,
	"actor" text NOT NULL,
	"act" text NOT NULL,
	"targets" text[] NOT NULL,
	"summary" text NOT NULL,
	"outcome" text NOT NULL,
	"reason" text NOT NULL,
	CONSTRAINT "acts_tenant_id_pk" PRIMARY KEY("tenant","id")
);
--> statement-breakpoint
ALTER TABLE "acts" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "fences" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"speed_mps" double precision NOT NULL,
	"points_m" double precision[] NOT NULL,
	"created_by" text NOT NULL,
	"created_time_us" bigint NOT NULL,
	"ends_time_us" bigint NOT NULL,
	"ended_time_us" bigint DEFAULT 0 NOT NULL,
	"idempotency_key" text,
	CONSTRAINT "fences_tenant_id_pk" PRIMARY KEY("tenant","id"),
	CONSTRAINT "fence_key" UNIQUE("tenant","idempotency_key")
);
--> statement-breakpoint
ALTER TABLE "fences" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "marks" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"id" text NOT NULL,
	"time_us" bigint NOT NULL,
	"kind" text NOT NULL,
	"agent_id" text NOT NULL,
	"decision_sequence" bigint NOT NULL,
	"decision_epoch" bigint NOT NULL,
	"level" integer NOT NULL,
	"text" text NOT NULL,
	CONSTRAINT "marks_tenant_id_pk" PRIMARY KEY("tenant","id")
);
--> statement-breakpoint
ALTER TABLE "marks" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "silences" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"id" text NOT NULL,
	"cause" text NOT NULL,
	"agent_id" text NOT NULL,
	"until_time_us" bigint NOT NULL,
	"by" text NOT NULL,
	"reason" text NOT NULL,
	"created_time_us" bigint NOT NULL,
	CONSTRAINT "silences_tenant_id_pk" PRIMARY KEY("tenant","id")
);
--> statement-breakpoint
ALTER TABLE "silences" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "alerts" ADD COLUMN "decision_epoch" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "alerts" ADD COLUMN "root_id" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "decisions" ADD COLUMN "authority" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "decisions" ADD COLUMN "words" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "user" ADD COLUMN "seen_time_us" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "acts_by_time" ON "acts" USING btree ("tenant","time_us");--> statement-breakpoint
CREATE INDEX "marks_by_time" ON "marks" USING btree ("tenant","time_us");--> statement-breakpoint
CREATE INDEX "alerts_raised" ON "alerts" USING btree ("tenant","raised_time_us");--> statement-breakpoint
CREATE INDEX "decisions_by_time" ON "decisions" USING btree ("tenant","time_us");--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "active_faults" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "acts" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "fences" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "marks" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "silences" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));
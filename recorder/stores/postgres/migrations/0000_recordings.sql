CREATE SCHEMA IF NOT EXISTS "recorder";
--> statement-breakpoint
CREATE TABLE "recorder"."blocks" (
	"tenant" text NOT NULL,
	"chain" integer NOT NULL,
	"first_sequence" bigint NOT NULL,
	"version" bigint NOT NULL,
	"ordinal" bigint NOT NULL,
	"count" integer NOT NULL,
	"first_at_us" bigint NOT NULL,
	"last_at_us" bigint NOT NULL,
	"hash" "bytea" NOT NULL,
	"bytes" "bytea" NOT NULL,
	CONSTRAINT "blocks_tenant_chain_first_sequence_pk" PRIMARY KEY("tenant","chain","first_sequence"),
	CONSTRAINT "block_version" UNIQUE("tenant","version")
) PARTITION BY HASH ("tenant");
--> statement-breakpoint
ALTER TABLE "recorder"."blocks" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "recorder"."chains" (
	"tenant" text NOT NULL,
	"chain" integer NOT NULL,
	"source" text NOT NULL,
	"epoch" bigint NOT NULL,
	"sequence" bigint NOT NULL,
	"hash" "bytea" NOT NULL,
	"at_us" bigint NOT NULL,
	"blocks" bigint NOT NULL,
	CONSTRAINT "chains_tenant_chain_pk" PRIMARY KEY("tenant","chain"),
	CONSTRAINT "chain_name" UNIQUE("tenant","source","epoch")
);
--> statement-breakpoint
ALTER TABLE "recorder"."chains" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "recorder"."snapshots" (
	"tenant" text NOT NULL,
	"chain" integer NOT NULL,
	"at_us" bigint NOT NULL,
	"sequence" bigint NOT NULL,
	"block_sequence" bigint NOT NULL,
	CONSTRAINT "snapshots_tenant_chain_at_us_sequence_pk" PRIMARY KEY("tenant","chain","at_us","sequence")
) PARTITION BY HASH ("tenant");
--> statement-breakpoint
ALTER TABLE "recorder"."snapshots" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "recorder"."tenants" (
	"tenant" text PRIMARY KEY NOT NULL,
	"version" bigint NOT NULL,
	"chains" integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE "recorder"."tenants" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "recorder"."blocks" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "recorder"."chains" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "recorder"."snapshots" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "recorder"."tenants" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));
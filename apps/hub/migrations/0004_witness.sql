CREATE TABLE "edge_keys" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"edge_id" text NOT NULL,
	"public_key" "bytea" NOT NULL,
	"pinned_time_us" bigint NOT NULL,
	CONSTRAINT "edge_keys_tenant_edge_id_pk" PRIMARY KEY("tenant","edge_id")
);
--> statement-breakpoint
ALTER TABLE "edge_keys" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "witnessed_heads" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"origin" text NOT NULL,
	"public_key" "bytea" NOT NULL,
	"edge_id" text NOT NULL,
	"size" bigint NOT NULL,
	"note" text NOT NULL,
	"seen_time_us" bigint NOT NULL,
	"refusal" text DEFAULT '' NOT NULL,
	CONSTRAINT "witnessed_heads_tenant_origin_public_key_pk" PRIMARY KEY("tenant","origin","public_key")
);
--> statement-breakpoint
ALTER TABLE "witnessed_heads" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "edge_keys" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "witnessed_heads" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));
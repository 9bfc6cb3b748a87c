CREATE TABLE "account" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"id" text PRIMARY KEY NOT NULL,
	"account_id" text NOT NULL,
	"issuer" text NOT NULL,
	"provider_id" text NOT NULL,
	"user_id" text NOT NULL,
	"access_token" text,
	"refresh_token" text,
	"id_token" text,
	"access_token_expires_at" timestamp with time zone,
	"refresh_token_expires_at" timestamp with time zone,
	"scope" text,
	"password" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "account_key" UNIQUE("tenant","issuer","account_id")
);
--> statement-breakpoint
ALTER TABLE "account" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "alerts" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"id" text NOT NULL,
	"level" integer NOT NULL,
	"agent_id" text NOT NULL,
	"cause" text NOT NULL,
	"text" text NOT NULL,
	"advice" text NOT NULL,
	"raised_time_us" bigint NOT NULL,
	"cleared_time_us" bigint DEFAULT 0 NOT NULL,
	"acknowledged_by" text DEFAULT '' NOT NULL,
	"acknowledged_time_us" bigint DEFAULT 0 NOT NULL,
	"count" integer NOT NULL,
	"decision_sequence" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "alerts_tenant_id_pk" PRIMARY KEY("tenant","id")
);
--> statement-breakpoint
ALTER TABLE "alerts" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "control_leases" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"agent_id" text NOT NULL,
	"lease_id" text NOT NULL,
	"holder" text NOT NULL,
	"expires_time_us" bigint NOT NULL,
	CONSTRAINT "control_leases_tenant_agent_id_pk" PRIMARY KEY("tenant","agent_id")
);
--> statement-breakpoint
ALTER TABLE "control_leases" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "missions" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"id" text NOT NULL,
	"status" text NOT NULL,
	"created_time_us" bigint NOT NULL,
	"finished_time_us" bigint DEFAULT 0 NOT NULL,
	"idempotency_key" text,
	"view" jsonb NOT NULL,
	CONSTRAINT "missions_tenant_id_pk" PRIMARY KEY("tenant","id"),
	CONSTRAINT "mission_key" UNIQUE("tenant","idempotency_key")
);
--> statement-breakpoint
ALTER TABLE "missions" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "session" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"id" text PRIMARY KEY NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"token" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ip_address" text,
	"user_agent" text,
	"user_id" text NOT NULL,
	CONSTRAINT "session_token_unique" UNIQUE("token")
);
--> statement-breakpoint
ALTER TABLE "session" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "settings" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"name" text NOT NULL,
	"value" text NOT NULL,
	CONSTRAINT "settings_tenant_name_pk" PRIMARY KEY("tenant","name")
);
--> statement-breakpoint
ALTER TABLE "settings" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "telemetry_samples" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"agent_id" text NOT NULL,
	"channel" text NOT NULL,
	"time_us" bigint NOT NULL,
	"sequence" bigint NOT NULL,
	"values" double precision[] NOT NULL,
	CONSTRAINT "telemetry_samples_tenant_agent_id_channel_time_us_pk" PRIMARY KEY("tenant","agent_id","channel","time_us")
);
--> statement-breakpoint
ALTER TABLE "telemetry_samples" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "user" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"email" text NOT NULL,
	"email_verified" boolean DEFAULT false NOT NULL,
	"image" text,
	"role" text DEFAULT 'viewer' NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "user_email" UNIQUE("tenant","email")
);
--> statement-breakpoint
ALTER TABLE "user" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "verification" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"id" text PRIMARY KEY NOT NULL,
	"identifier" text NOT NULL,
	"value" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "verification" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "account" ADD CONSTRAINT "account_user_id_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."user"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "session" ADD CONSTRAINT "session_user_id_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."user"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "account_user" ON "account" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "alerts_standing" ON "alerts" USING btree ("tenant","cleared_time_us");--> statement-breakpoint
CREATE INDEX "missions_newest" ON "missions" USING btree ("tenant","created_time_us");--> statement-breakpoint
CREATE INDEX "session_user" ON "session" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "verification_identifier" ON "verification" USING btree ("identifier");--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "account" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "alerts" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "control_leases" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "missions" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "session" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "settings" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "telemetry_samples" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "user" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "verification" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));
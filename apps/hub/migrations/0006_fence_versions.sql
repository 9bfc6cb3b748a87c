CREATE TABLE "fence_notes" (
	"tenant" text DEFAULT current_setting('sigma.tenant') NOT NULL,
	"fence_id" text NOT NULL,
	"version" integer NOT NULL,
	"note" text NOT NULL,
	CONSTRAINT "fence_notes_tenant_fence_id_version_pk" PRIMARY KEY("tenant","fence_id","version")
);
--> statement-breakpoint
ALTER TABLE "fence_notes" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "fences" ADD COLUMN "version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "fences" ADD COLUMN "note" text DEFAULT '' NOT NULL;--> statement-breakpoint
CREATE POLICY "own_rows_only" ON "fence_notes" AS PERMISSIVE FOR ALL TO public USING (tenant = current_setting('sigma.tenant', true)) WITH CHECK (tenant = current_setting('sigma.tenant', true));
ALTER TABLE "decisions" ADD COLUMN "unprovable" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "marks" ADD COLUMN "unprovable" text DEFAULT '' NOT NULL;
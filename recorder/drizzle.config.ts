import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './stores/postgres/schema.ts',
  out: './stores/postgres/migrations',
  schemaFilter: ['recorder'],
});

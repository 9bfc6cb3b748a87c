import { Role } from '@sigma/proto';
import { roleOf } from './authorise.ts';
import type { RestRoute } from './rest.ts';

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fff}
h2{margin-top:2rem}table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.4rem .8rem .4rem 0;border-bottom:1px solid #d5dbe3}
code{font:14px ui-monospace,monospace}b{font:600 13px ui-monospace,monospace}
@media(prefers-color-scheme:dark){body{color:#e6eaf0;background:#12161c}th,td{border-color:#2c3541}a{color:#8ab8ff}}`;

/** The REST routes for people: one page, nothing fetched. @returns the page and the style whose hash the policy admits */
export function apiPage(routes: readonly RestRoute[]): { readonly html: string; readonly style: string } {
  const services = [...new Set(routes.map((route) => route.service))];
  const sections = services.map((service) => {
    const rows = routes
      .filter((route) => route.service === service)
      .map((route) => {
        const fields = route.method.input.fields.map((field) => field.jsonName).join(', ');
        const role = (Role[roleOf(route.method)] ?? 'none').toLowerCase();
        return `<tr><td><b>${route.verb}</b></td><td><code>${escapeHtml(route.path)}</code></td><td>${escapeHtml(route.summary)}</td><td><code>${escapeHtml(fields)}</code></td><td>${role}</td></tr>`;
      });
    return `<h2>${escapeHtml(service.name)}</h2><table><thead><tr><th>Verb</th><th>Path</th><th>What</th><th>Fields</th><th>Role</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
  });
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>SigmaPrompt hub API</title><style>${STYLE}</style></head><body><main><h1>SigmaPrompt hub API</h1><p>Machines read <a href="/api/openapi.json">/api/openapi.json</a> (OpenAPI 3.1). The same methods, and the streams, answer gRPC, gRPC-Web and Connect on this port. Sign in with <code>POST /api/auth/sign-in/email</code>; send the answer's <code>set-auth-token</code> as <code>Authorization: Bearer</code>.</p>${sections.join('')}</main></body></html>`;
  return { html, style: STYLE };
}

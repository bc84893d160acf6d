// The requests that browsers make by themselves, and their answers.
import type { Request } from "../../flow/message.ts";

/** A request that a browser makes by itself, and the answer that it takes for a normal one. */
export interface NoiseRule {
	/** null: any host. */
	readonly host: string | null;
	/** The path begins with this; for any host it is the whole path. */
	readonly path: string;
	readonly status: number;
	readonly type?: string;
	readonly body?: string;
	/** The purpose of the request, for docs/browser-noise.md. */
	readonly purpose: string;
}

const XML = "text/xml; charset=utf-8";
const JSON_TYPE = "application/json";
/** An empty message of Protocol Buffers is valid, and has the default of every field. */
const EMPTY_PROTOBUF = { status: 200, type: "application/x-protobuf", body: "" } as const;

// biome-ignore format: a table
const chromium: readonly NoiseRule[] = [
	{ host: "accounts.google.com", path: "/ListAccounts", status: 200, type: JSON_TYPE, body: '["gaia.l.a.r",[]]', purpose: "signed-in accounts" },
	{ host: "android.clients.google.com", path: "/c", status: 404, purpose: "registration for push messages" },
	{ host: "clients1.google.com", path: "/tools/pso/ping", status: 204, purpose: "usage statistics" },
	{ host: "clients2.google.com", path: "/domainreliability/", status: 204, purpose: "error reports" },
	{ host: "clients2.google.com", path: "/service/update2", status: 200, type: XML, body: '<?xml version="1.0" encoding="UTF-8"?><gupdate xmlns="http://www.google.com/update2/response" protocol="2.0"/>', purpose: "updates of extensions" },
	{ host: "clients2.google.com", path: "/time/", status: 204, purpose: "time" },
	{ host: "clients3.google.com", path: "/generate_204", status: 204, purpose: "captive portal test" },
	{ host: "clients4.google.com", path: "/", status: 204, purpose: "synchronization and usage statistics" },
	{ host: "clientservices.googleapis.com", path: "/", status: 304, purpose: "feature settings" },
	{ host: "connectivitycheck.gstatic.com", path: "/generate_204", status: 204, purpose: "captive portal test" },
	{ host: "content-autofill.googleapis.com", path: "/v1/", ...EMPTY_PROTOBUF, purpose: "types of form fields" },
	{ host: "dl.google.com", path: "/release2/chrome_component/", status: 404, purpose: "downloads of components" },
	{ host: "edgedl.me.gvt1.com", path: "/edgedl/", status: 404, purpose: "downloads of components" },
	{ host: "ogads-pa.clients6.google.com", path: "/", status: 204, purpose: "new tab page" },
	{ host: "optimizationguide-pa.googleapis.com", path: "/", ...EMPTY_PROTOBUF, purpose: "hints for loading pages" },
	{ host: "passwordsleakcheck-pa.googleapis.com", path: "/", ...EMPTY_PROTOBUF, purpose: "leaked passwords" },
	{ host: "redirector.gvt1.com", path: "/edgedl/", status: 404, purpose: "downloads of components" },
	{ host: "safebrowsing.googleapis.com", path: "/", ...EMPTY_PROTOBUF, purpose: "lists of dangerous sites" },
	{ host: "safebrowsing.google.com", path: "/safebrowsing/", ...EMPTY_PROTOBUF, purpose: "reports of dangerous sites" },
	{ host: "sb-ssl.google.com", path: "/safebrowsing/", ...EMPTY_PROTOBUF, purpose: "checks of downloads" },
	{ host: "update.googleapis.com", path: "/service/update2", status: 204, purpose: "updates of components" },
	{ host: "www.google.com", path: "/async/ddljson", status: 204, purpose: "new tab page" },
	{ host: "www.google.com", path: "/async/folae", status: 204, purpose: "new tab page" },
	{ host: "www.google.com", path: "/async/newtab_", status: 204, purpose: "new tab page" },
	{ host: "www.gstatic.com", path: "/generate_204", status: 204, purpose: "captive portal test" },
	{ host: "config.edge.skype.com", path: "/config/", status: 304, purpose: "feature settings of Edge" },
	{ host: "data-edge.smartscreen.microsoft.com", path: "/", status: 404, purpose: "lists of dangerous sites, Edge" },
	{ host: "edge.microsoft.com", path: "/", status: 204, purpose: "services of Edge" },
	{ host: "functional.events.data.microsoft.com", path: "/", status: 204, purpose: "usage statistics of Edge" },
	{ host: "msedge.api.cdp.microsoft.com", path: "/", status: 404, purpose: "updates of Edge" },
	{ host: "nav-edge.smartscreen.microsoft.com", path: "/", status: 404, purpose: "dangerous sites, Edge" },
];

// biome-ignore format: a table
const firefox: readonly NoiseRule[] = [
	{ host: "ads.mozilla.org", path: "/", status: 204, purpose: "new tab page" },
	{ host: "aus5.mozilla.org", path: "/update/", status: 200, type: XML, body: '<?xml version="1.0"?><updates></updates>', purpose: "updates" },
	{ host: "ciscobinary.openh264.org", path: "/", status: 404, purpose: "download of a video codec" },
	{ host: "classify-client.services.mozilla.com", path: "/", status: 404, purpose: "country of the user" },
	{ host: "content-signature-2.cdn.mozilla.net", path: "/", status: 404, purpose: "signatures of settings" },
	{ host: "contile.services.mozilla.com", path: "/v1/tiles", status: 204, purpose: "new tab page" },
	{ host: "detectportal.firefox.com", path: "/canonical.html", status: 200, type: "text/html", body: '<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>', purpose: "captive portal test" },
	{ host: "detectportal.firefox.com", path: "/success.txt", status: 200, type: "text/plain", body: "success\n", purpose: "captive portal test" },
	{ host: "firefox-settings-attachments.cdn.mozilla.net", path: "/", status: 404, purpose: "settings" },
	{ host: "firefox.settings.services.mozilla.com", path: "/v1/", status: 200, type: JSON_TYPE, body: '{"timestamp":0,"metadata":{},"changes":[]}', purpose: "settings" },
	{ host: "incoming.telemetry.mozilla.org", path: "/", status: 200, type: "text/plain", body: "OK", purpose: "usage statistics" },
	{ host: "location.services.mozilla.com", path: "/v1/", status: 404, purpose: "country of the user" },
	{ host: "merino.services.mozilla.com", path: "/api/", status: 200, type: JSON_TYPE, body: '{"suggestions":[]}', purpose: "suggestions in the address bar" },
	{ host: "normandy.cdn.mozilla.net", path: "/api/", status: 404, purpose: "experiments" },
	{ host: "push.services.mozilla.com", path: "/", status: 404, purpose: "push messages" },
	{ host: "services.addons.mozilla.org", path: "/api/", status: 200, type: JSON_TYPE, body: '{"page_size":25,"page_count":1,"count":0,"next":null,"previous":null,"results":[]}', purpose: "updates of extensions" },
	{ host: "shavar.services.mozilla.com", path: "/", status: 200, type: "application/octet-stream", body: "n:21600\n", purpose: "lists of dangerous sites" },
	{ host: "spocs.getpocket.com", path: "/", status: 204, purpose: "new tab page" },
	{ host: "tracking-protection.cdn.mozilla.net", path: "/", status: 404, purpose: "lists of trackers" },
];

/** Requests that browsers send to every site. */
// biome-ignore format: a table
const anySite: readonly NoiseRule[] = [
	{ host: null, path: "/.well-known/appspecific/com.chrome.devtools.json", status: 404, purpose: "workspace of the developer tools" },
	{ host: null, path: "/.well-known/change-password", status: 404, purpose: "page for changing a password" },
	{ host: null, path: "/.well-known/passkey-endpoints", status: 404, purpose: "pages for passkeys" },
	{ host: null, path: "/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200", status: 404, purpose: "whether the site's statuses can be trusted" },
	{ host: null, path: "/favicon.ico", status: 404, purpose: "icon" },
];

/** All rules, for the documentation. */
export const noiseRules: readonly NoiseRule[] = [...chromium, ...firefox, ...anySite];

const ofAnySite = new Map(anySite.map((rule) => [rule.path, rule]));
const byHost = new Map<string, NoiseRule[]>();
for (const rule of [...chromium, ...firefox])
	byHost.set(rule.host ?? "", [...(byHost.get(rule.host ?? "") ?? []), rule]);

const BROWSER = /^Mozilla\/5\.0 \(.*(?:Chrome|Firefox|Safari)\//s;
/** Destinations of requests by pages and scripts, not by the browser itself. */
const OF_PAGE = /^(?:document|iframe|empty)$/;

/** null if browsers do not make this request by themselves. */
export function noiseRuleFor({ host, path, headers }: Request): NoiseRule | null {
	const rule =
		ofAnySite.get(path) ?? byHost.get(host.toLowerCase())?.find((known) => path.startsWith(known.path)) ?? null;
	if (rule === null || !BROWSER.test(headers.get("user-agent") ?? "")) return null;
	return rule.host === null && OF_PAGE.test(headers.get("sec-fetch-dest") ?? "") ? null : rule;
}

/** Whether browsers connect to this host by themselves. They may refuse the proxy's certificate there. */
export function isNoiseHost(host: string): boolean {
	return byHost.has(host.toLowerCase());
}

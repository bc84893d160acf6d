// The HTTP clients of npm for tests with many clients. They are installed once, in the folder of peers.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { peersFolder } from "./mitmproxy.mjs";

/** Names under which the clients are installed, with their packages. */
export const clientPackages = {
	undici6: "npm:undici@6",
	undici7: "npm:undici@7",
	undici8: "npm:undici@8",
	axios: "1",
	eventsource: "4",
	got: "14",
	"@grpc/grpc-js": "1",
	ky: "1",
	"node-fetch2": "npm:node-fetch@2",
	"node-fetch3": "npm:node-fetch@3",
	superagent: "10",
	supertest: "7",
	ws: "8",
};

/** Installs the clients, without scripts of theirs. Resolves to their folder; null: they cannot be installed. */
export async function installClients() {
	const clients = join(peersFolder(), "route-clients");
	const names = Object.keys(clientPackages);
	const isThere = () => names.every((name) => existsSync(join(clients, "node_modules", name)));
	if (isThere()) return clients;
	mkdirSync(clients, { recursive: true });
	const wanted = names.map((name) => `${name}@${clientPackages[name]}`);
	const options = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", clients];
	await promisify(execFile)("npm", ["install", ...options, ...wanted], { cwd: clients, timeout: 600_000 }).catch(
		() => {},
	);
	return isThere() ? clients : null;
}

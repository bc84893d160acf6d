// Other releases of Node, from the npm package `node`, with headers. They stay in the folder of peers.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { arch, platform } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { peersFolder } from "./mitmproxy.mjs";

/**
 * An environment in which `node` is this release and addons are compiled for it; null if the release cannot be
 * installed.
 */
export async function environmentOf(release) {
	const folder = join(peersFolder(), `node-${release}`);
	const node = join(folder, "node_modules", "node", "node_modules", `node-${platform()}-${arch()}`);
	if (!existsSync(join(node, "bin", "node"))) {
		mkdirSync(folder, { recursive: true });
		const args = ["install", "--no-save", "--prefix", folder, `node@${release}`];
		await promisify(execFile)("npm", args, { cwd: folder, timeout: 1_500_000 }).catch(() => {});
	}
	if (!existsSync(join(node, "bin", "node"))) return null;
	return { ...process.env, PATH: `${join(node, "bin")}${delimiter}${process.env.PATH}`, npm_config_nodedir: node };
}

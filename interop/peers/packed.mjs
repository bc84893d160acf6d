// The packed package, installed into projects as users get it, without downloading its dependencies.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

export const root = resolve(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "../..");

export const run = (command, args, cwd) =>
	execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

/** Packs the package into a folder. Returns the path of the tarball. */
export function pack(folder) {
	const output = run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], root);
	return join(folder, JSON.parse(output)[0].filename);
}

/** Links a package of the repository into the node_modules of a project. */
export function link(project, name) {
	const target = join(project, "node_modules", name);
	mkdirSync(dirname(target), { recursive: true });
	symlinkSync(join(root, "node_modules", name), target);
}

/** Unpacks the package into the node_modules of a project, and links its dependencies below it. */
export function install(project, tarball) {
	const own = join(project, "node_modules", "flowtape");
	mkdirSync(own, { recursive: true });
	run("tar", ["-xzf", tarball, "-C", own, "--strip-components=1"], project);
	const { dependencies } = JSON.parse(readFileSync(join(own, "package.json"), "utf8"));
	for (const dependency of Object.keys(dependencies)) link(own, dependency);
}

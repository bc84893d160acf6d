// Joins chunks that are always loaded together into one file. esbuild creates a chunk for each set of modules that the
// same entries reach. These are many small files, and a program that imports the library spends more time on each file
// than on its content.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, posix } from "node:path";
import { build } from "esbuild";

/** The files that a file loads by static imports, itself included. */
function loadedWith(file, outputs, found = new Set()) {
	if (found.has(file) || outputs[file] === undefined) return found;
	found.add(file);
	for (const { kind, path } of outputs[file].imports) if (kind === "import-statement") loadedWith(path, outputs, found);
	return found;
}

/** Groups the chunks that the first entry loads by the other entries that load them too. */
function groupsOf(outputs, entries) {
	const [first, ...others] = entries.map((entry) => loadedWith(entry, outputs));
	const groups = new Map();
	for (const file of first) {
		if (outputs[file].entryPoint !== undefined) continue;
		const key = others.map((loaded) => loaded.has(file)).join();
		groups.set(key, [...(groups.get(key) ?? []), file]);
	}
	return [...groups.values()].filter((files) => files.length > 1);
}

/**
 * Joins chunks.
 * @param outputs `outputs` of esbuild's metafile, from a build with `splitting`
 * @param entries files of `outputs`. Chunks are joined only if the same of these entries load them, so that no entry
 * loads code that it does not need.
 * @param options of the build
 */
export async function joinChunks(outputs, entries, options) {
	/**
	 * By path of a chunk: the joined file that now contains it, and the number that makes the names of its exports unique
	 * there.
	 */
	const places = new Map();
	for (const [at, files] of groupsOf(outputs, entries).entries()) {
		const joined = posix.join(posix.dirname(files[0]), `joined-${at}.js`);
		const members = new Set(files.map((file) => `./${basename(file)}`));
		const lines = files.map((file, n) => {
			places.set(file, { joined, n });
			return `export { ${outputs[file].exports.map((name) => `${name} as ${name}_${n}`).join(", ")} } from "./${basename(file)}";`;
		});
		const outside = {
			name: "outside",
			setup({ onResolve }) {
				onResolve({ filter: /^\./ }, ({ path }) => (members.has(path) ? undefined : { path, external: true }));
			},
		};
		await build({
			...options,
			stdin: { contents: lines.join("\n"), resolveDir: dirname(files[0]) },
			outfile: joined,
			plugins: [outside],
		});
	}
	const rest = Object.keys(outputs).filter((file) => file.endsWith(".js") && !places.has(file));
	for (const file of [...rest, ...new Set([...places.values()].map(({ joined }) => joined))]) redirect(file, places);
	for (const file of places.keys()) for (const name of [file, `${file}.map`]) rmSync(name, { force: true });
}

/** Makes a file import from joined chunks. Keeps the line numbers, for its source map. */
function redirect(file, places) {
	const pathTo = (path) => {
		const place = places.get(posix.join(posix.dirname(file), path));
		if (place === undefined) return null;
		const relative = posix.relative(posix.dirname(file), place.joined);
		return { n: place.n, path: relative.startsWith(".") ? relative : `./${relative}` };
	};
	const text = readFileSync(file, "utf8");
	const changed = text
		.replace(/^import \{([^}]*)\} from "(\.[^"]+)";$/gm, (whole, names, path) => {
			const to = pathTo(path);
			return (
				(to &&
					`import {${names.replace(/([\w$]+)( as [\w$]+)?(?=,|\s*$)/g, (_, name, as) => `${name}_${to.n}${as ?? ` as ${name}`}`)}} from "${to.path}";`) ||
				whole
			);
		})
		.replace(/^import "(\.[^"]+)";$/gm, (whole, path) => {
			const to = pathTo(path);
			return to === null ? whole : `import "${to.path}";`;
		});
	if (changed !== text) writeFileSync(file, changed);
}

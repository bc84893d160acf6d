// Large modules that synchronous functions of the library load when they are first called, so that importing the library
// stays fast. build.mjs bundles each module to the same path from here.
import { fileURLToPath } from "node:url";
import { lazily } from "../src/lazy.ts";

const pathOf = (module: string) => fileURLToPath(new URL(module, import.meta.url));

/** The compiler of filter expressions. */
export const filterCompiler = lazily<typeof import("../src/filter/compile.ts")>(pathOf("../src/filter/compile.js"));

/** The formats for other tools. */
export const exporters = lazily<typeof import("./exporters.ts")>(pathOf("../api/exporters.js"));

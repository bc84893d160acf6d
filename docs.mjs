// Writes the pages of the documentation that are generated from code. Needs build/, which `npm run docs` creates first.
import { writeFileSync } from "node:fs";
import { browserNoisePage, errorsPage, optionsPage } from "./build/commands/cli/reference.js";
import { loadAll } from "./build/commands/list.js";

writeFileSync("docs/options.md", await optionsPage(await loadAll()));
writeFileSync("docs/errors.md", errorsPage());
writeFileSync("docs/browser-noise.md", browserNoisePage());

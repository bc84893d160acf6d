// Writes the pages of the documentation that are made of the code. Needs build/, which `npm run docs` makes first.
import { writeFileSync } from "node:fs";
import { errorsPage, optionsPage } from "./build/commands/cli/reference.js";
import { loadAll } from "./build/commands/list.js";

writeFileSync("docs/options.md", await optionsPage(await loadAll()));
writeFileSync("docs/errors.md", errorsPage());

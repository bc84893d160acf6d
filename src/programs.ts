// Which programs are installed.
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Whether a program can be started by its name, or by the administrator. */
export function hasProgram(name: string, env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): boolean {
	// Tools of the administrator are not on everybody's path.
	const folders = [...(env.PATH ?? "").split(delimiter), ...(platform === "win32" ? [] : ["/usr/sbin", "/sbin"])];
	return folders.some((folder) => folder !== "" && existsSync(join(folder, platform === "win32" ? `${name}.exe` : name)));
}

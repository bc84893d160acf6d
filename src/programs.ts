// Looks for installed programs.
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Whether a program is on the PATH or, except on Windows, in the folders of the administrator's tools. */
export function hasProgram(
	name: string,
	env: NodeJS.ProcessEnv,
	platform: NodeJS.Platform = process.platform,
): boolean {
	// /usr/sbin and /sbin are not on every user's PATH
	const folders = [...(env.PATH ?? "").split(delimiter), ...(platform === "win32" ? [] : ["/usr/sbin", "/sbin"])];
	return folders.some(
		(folder) => folder !== "" && existsSync(join(folder, platform === "win32" ? `${name}.exe` : name)),
	);
}

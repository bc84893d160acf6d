// Formats misses as GitHub Actions workflow commands, one per line.
import type { Miss } from "../../src/hooks/context.ts";
import { printable } from "../../src/views/printable.ts";

/** GitHub shows at most ten annotations of a kind per step. */
const LIMIT = 10;

/** @param failures the reasons why the run failed; without a failed `miss`, misses are warnings */
export function annotations(
	misses: readonly Miss[],
	failures: readonly { readonly kind: string; readonly message: string }[],
): string {
	const level = failures.some(({ kind }) => kind === "miss") ? "error" : "warning";
	const shown = misses
		.slice(0, LIMIT)
		.map(({ method, url, explanation }) => command(level, `No recording for ${method} ${url}`, explanation));
	const others = failures
		.filter(({ kind }) => kind !== "miss")
		.map(({ kind, message }) => command("error", `flowtape: ${kind}`, message));
	return [...shown, ...others].join("");
}

function command(level: string, title: string, message: string): string {
	return `::${level} title=${escapeProperty(title)}::${escapeData(message.trimEnd())}\n`;
}

function escapeData(text: string): string {
	return printable(text.replaceAll("\r", "")).replaceAll("%", "%25").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
	return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

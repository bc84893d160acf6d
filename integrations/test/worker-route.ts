// Routes a worker thread that the code under test has started. It is loaded there before the code of the thread.
import { BroadcastChannel } from "node:worker_threads";
import { installRoute, type RouteMessage, type Target } from "../../src/route/route.ts";
import { routedHosts } from "./routed-hosts.ts";

/** What a worker thread needs for its route. */
export interface WorkerRoute {
	readonly entrance: Target;
	/** The certificate of the entrance's authority in PEM. */
	readonly authority: string;
	/** The option `passthrough`. */
	readonly passthrough: readonly string[];
	readonly offline: boolean;
	/** The scope in which the thread was started; null: none. */
	readonly scope: string | null;
	/** The path of this module. */
	readonly module: string;
}

/** A message between the worker threads of a tape and its engine. Messages reach them all. */
export type WorkerMessage = RouteMessage | { readonly kind: "ejected" };

/** The channel for the messages of the worker threads whose entrance listens on this port. */
export function workerChannel(port: number): BroadcastChannel {
	const channel = new BroadcastChannel(`flowtape-route-${port}`);
	channel.unref();
	return channel;
}

/** Routes this thread until the tape is ejected. */
export function route({ passthrough, scope, ...data }: WorkerRoute): void {
	const channel = workerChannel(data.entrance.port);
	let isInserted = true;
	const installed = installRoute({
		...data,
		scope,
		routes: routedHosts({ passthrough }).routes,
		tell(message) {
			// sockets still close after the tape is ejected
			if (isInserted) channel.postMessage(message);
		},
		workers: workerPreload({ passthrough, scope, ...data }),
	});
	channel.onmessage = ({ data: message }: { data: WorkerMessage }) => {
		if (message.kind !== "ejected") return;
		isInserted = false;
		installed.remove();
		channel.close();
	};
}

/** Makes the worker threads of a thread use the same route. */
export function workerPreload(data: WorkerRoute): { module: string; data(scope: string | null): WorkerRoute } {
	return { module: data.module, data: (scope) => ({ ...data, scope: scope ?? data.scope }) };
}

/*
 * How long connections may take to be made, in milliseconds; docs/limits.md lists them. Where the event loop was held up,
 * what came in time is read before one counts (see Ticker).
 */

/**
 * TCP to an endpoint, by a tunnel or as it is. The kernel sends a lost SYN again after 1 s: another attempt of ours goes
 * out then, and to another endpoint where there is one.
 */
export const endpointConnectTimeoutMs = 1_000;

/**
 * TLS of a tunnel, and that of an application (BackendTLSPolicy), once TCP is there: on a node that has much to do,
 * handshakes wait for the processor, and giving them up makes more of them.
 */
export const handshakeTimeoutMs = 5_000;

/**
 * TCP to an application of the pod's own node, for a client that can try elsewhere. It takes microseconds, or is refused,
 * except where the queue of the listener is full: there the kernel drops the SYN, and sends another one after 1 s. That
 * one is waited for, so that a burst costs a second and no request.
 */
export const applicationConnectTimeoutMs = 1_500;

/** The same for a client from outside of the mesh, for which nobody tries again. */
export const plaintextApplicationConnectTimeoutMs = 10_000;

/** The answer to CONNECT in a tunnel that is open: what the other agent has for its application, and as much again. */
export const tunnelAnswerTimeoutMs = 2 * applicationConnectTimeoutMs;

// What the other end of a connection is, by its certificate: the second entry of this package, for processes that carry
// traffic. It brings no gRPC and no ASN.1 library into their memory.
export * from './spiffe-id.ts';
export * from './workload-certificate.ts';

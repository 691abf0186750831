/** Bounds of one HTTP/1.1 connection. Sizes are bytes; a message that goes over one is refused. */
export interface Http1Limits {
  /** From the first byte of the start line to the empty line that ends the head. */
  readonly maxHeadBytes: number;
  /** Field lines of a head. */
  readonly maxHeaders: number;
  /** The start line (request line or status line) with its CRLF. */
  readonly maxRequestLineBytes: number;
  /** One chunk-size line of a chunked body, with its extensions and CRLF. */
  readonly maxChunkLineBytes: number;
  /** All chunk extensions of one message together: they are overhead that nobody reads. */
  readonly maxChunkExtensionBytes: number;
  /** The trailer section with the empty line that ends it. */
  readonly maxTrailerBytes: number;
  /** Field lines of a trailer section. */
  readonly maxTrailers: number;
  /**
   * Whether names of request fields may hold `_`. CGI-like applications read `a_b` and `a-b` as one name, so that a
   * client could forge a field that the mesh sets. Responses may always hold it.
   */
  readonly allowUnderscores: boolean;
}

/** The bounds used where none are given. */
export const defaultHttp1Limits: Http1Limits = {
  maxHeadBytes: 60 * 1024,
  maxHeaders: 100,
  maxRequestLineBytes: 16 * 1024,
  maxChunkLineBytes: 1024,
  maxChunkExtensionBytes: 16 * 1024,
  maxTrailerBytes: 8 * 1024,
  maxTrailers: 32,
  allowUnderscores: false,
};

import { get } from 'node:http';

const answerLimitBytes = 16 * 1024 * 1024;

/**
 * Asks an admin endpoint on a unix socket; undefined when nobody answers in time or the answer is no JSON. The shape of
 * the answer is the admin API's, by the version of this same checkout.
 */
export function askAdmin<T>(socketPath: string, path: string, timeoutMs = 1000): Promise<T | undefined> {
  return new Promise((resolve) => {
    const request = get({ socketPath, path, timeout: timeoutMs }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
        if (text.length > answerLimitBytes) request.destroy();
      });
      response.on('error', () => resolve(undefined));
      response.on('close', () => resolve(undefined));
      response.on('end', () => {
        try {
          resolve(response.statusCode === 200 ? (JSON.parse(text) as T) : undefined);
        } catch {
          resolve(undefined);
        }
      });
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
  });
}

/** Whether an HTTP endpoint answers 200. */
export function answers(url: string, timeoutMs = 1000): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { timeout: timeoutMs, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}

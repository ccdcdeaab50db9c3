/**
 * Runs `body` on an empty stack. Errors name the user's line, the first caller outside shapecast; here nobody
 * called but whoever started the command, and `bin/shapecast.js:3` is no line to look at.
 */
export function detached<T>(body: () => T | Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(body());
      } catch (error) {
        reject(error);
      }
    });
  });
}

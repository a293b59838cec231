/**
 * A web server that also takes uploads, keeps connections open and serves each in a thread: Python's,
 * extended.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** http.server serves files; PUT is ours. */
const program = `
import functools, http.server, sys

class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        left = int(self.headers["Content-Length"])
        with open(self.translate_path(self.path), "wb") as file:
            while left > 0:
                block = self.rfile.read(min(left, 1 << 16))
                if not block:
                    break
                file.write(block)
                left -= len(block)
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass

class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

handler = functools.partial(Handler, directory=sys.argv[1])
Server((sys.argv[2], int(sys.argv[3])), handler).serve_forever()
`;

/** Writes the program into `folder`; answers the arguments that make python3 serve the files below `root`. */
export function httpServerArguments(
  folder: string,
  root: string,
  address: string,
  port: number,
): readonly string[] {
  const file = join(folder, "server.py");
  writeFileSync(file, program);
  return [file, root, address, String(port)];
}

// What speaks like Amazon S3, for the tests: s3rver as it is, with one bucket. Its one argument is JSON: port, folder, bucket. It says where it is
// on its first line, and ends when its standard input does.

import S3rver from 's3rver';

const options = JSON.parse(process.argv[2]);
const server = new S3rver({
  address: '127.0.0.1',
  port: options.port ?? 0,
  silent: true,
  directory: options.folder,
  configureBuckets: [{ name: options.bucket }],
});
const { port } = await server.run();
console.log(`http://127.0.0.1:${port}`);

process.stdin.on('end', () => process.exit(0));
process.stdin.resume();

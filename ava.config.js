export default {
  files: ['{packages,services,web}/*/test/**/*.test.ts', 'test/**/*.test.ts'],
  extensions: ['ts'],
  timeout: '90s',
  concurrency: 2,
  nodeArguments: ['--disable-warning=ExperimentalWarning'],
};

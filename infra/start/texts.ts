/** What the launcher says, in the language of the system (pt-BR unless it is English). */
const ptBR = {
  ready: (version: string, seconds: string) => `SGP ${version} pronto em ${seconds} s`,
  intranet: 'Intranet da loja',
  customers: 'Página do cliente',
  machines: 'Máquinas (MQTT)',
  licences: 'Licenças (API)',
  data: 'Dados',
  demoSignIn: 'Demonstração',
  demoSwitch: 'Chave da Internet',
  enrolHint: 'Para ligar uma loja a esta nuvem',
  lanHint: 'Só este computador alcança o SGP. Para os outros da rede: npm start -- --lan',
  stopHint: 'Ctrl+C encerra.',
  stopping: 'Encerrando…',
  restarted: (name: string, why: string) => `${name} parou (${why}) e foi iniciado de novo.`,
  service: (name: string, text: string) => `${name}: ${text}`,
  dataNotWritable: (dir: string, code: string) =>
    `Não é possível gravar na pasta de dados ${dir} (${code}). Dê permissão de escrita a este usuário ou escolha outra: npm start -- --data PASTA`,
  dataInUse: (dir: string, pid: number) =>
    `A pasta de dados ${dir} já está em uso por outro SGP (processo ${pid}). Encerre-o ou escolha outra: npm start -- --data PASTA`,
  portTaken: (port: number, what: string) =>
    `A porta ${port} (${what}) já está em uso por outro programa. Encerre-o ou desloque as portas: npm start -- --port-offset 100`,
  nodeTooOld: (version: string) =>
    `O Node ${version} não consegue rodar o SGP. Inicie com "npm start", que traz o Node certo, ou instale o Node 24 ou mais novo.`,
  wrongArguments: (text: string) => `${text}. Veja: npm start -- --help`,
  coreUnreachable: (url: string) =>
    `O serviço de licenças em ${url} não respondeu. Confira o endereço e a conexão, e inicie de novo; nada foi criado.`,
  enrolFailed: (text: string) => `Esta loja não foi registrada: ${text}`,
  edgeNeedsCode:
    'Esta loja ainda não está registrada. Na nuvem, "npm start -- core" mostra o comando com o código: npm start -- edge --license URL --enrol CODIGO',
  buildFailed: (text: string) => `As telas não puderam ser montadas: ${text}`,
  help: `npm start -- [all|edge|core] [opções]

  all               a loja e a nuvem neste computador (padrão)
  edge              só a loja
  core              só a nuvem
  --data PASTA      pasta dos dados (padrão: .data)
  --demo            loja de exemplo, com máquinas simuladas e a chave da Internet
  --lan             aceita os outros computadores e máquinas da rede
  --port-offset N   soma N a todas as portas
  --license URL     edge: endereço do serviço de licenças da nuvem
  --enrol CODIGO    edge: código de registro, na primeira vez`,
};

const en: typeof ptBR = {
  ready: (version, seconds) => `SGP ${version} ready in ${seconds} s`,
  intranet: 'Shop intranet',
  customers: "Customer's page",
  machines: 'Machines (MQTT)',
  licences: 'Licences (API)',
  data: 'Data',
  demoSignIn: 'Demonstration',
  demoSwitch: 'Internet switch',
  enrolHint: 'To connect a shop to this cloud',
  lanHint: 'Only this computer reaches SGP. For the others of the network: npm start -- --lan',
  stopHint: 'Ctrl+C stops.',
  stopping: 'Stopping…',
  restarted: (name, why) => `${name} ended (${why}) and was started again.`,
  service: (name, text) => `${name}: ${text}`,
  dataNotWritable: (dir, code) =>
    `The data folder ${dir} cannot be written (${code}). Give this user write permission, or choose another: npm start -- --data DIR`,
  dataInUse: (dir, pid) =>
    `The data folder ${dir} is in use by another SGP (process ${pid}). End it, or choose another: npm start -- --data DIR`,
  portTaken: (port, what) =>
    `Port ${port} (${what}) is taken by another program. End it, or shift the ports: npm start -- --port-offset 100`,
  nodeTooOld: (version) =>
    `Node ${version} cannot run SGP. Start with "npm start", which brings the right Node, or install Node 24 or newer.`,
  wrongArguments: (text) => `${text}. See: npm start -- --help`,
  coreUnreachable: (url) =>
    `The license service at ${url} did not answer. Check the address and the connection, and start again; nothing was created.`,
  enrolFailed: (text) => `This shop was not enrolled: ${text}`,
  edgeNeedsCode:
    'This shop is not enrolled yet. On the cloud, "npm start -- core" shows the command with the code: npm start -- edge --license URL --enrol CODE',
  buildFailed: (text) => `The web apps could not be built: ${text}`,
  help: `npm start -- [all|edge|core] [options]

  all               shop and cloud on this computer (default)
  edge              the shop alone
  core              the cloud alone
  --data DIR        data folder (default: .data)
  --demo            a sample shop with simulated machines and the Internet switch
  --lan             accept the other computers and machines of the network
  --port-offset N   add N to every port
  --license URL     edge: address of the cloud's license service
  --enrol CODE      edge: enrolment code, the first time`,
};

export const texts: typeof ptBR = /^en/i.test(process.env['LC_ALL'] ?? process.env['LANG'] ?? '') ? en : ptBR;

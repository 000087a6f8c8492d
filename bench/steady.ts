/** `npm run bench -- steady`: long runs once all is warm, beside the same peers. Next: `engine.ts`. */
export { runSteady } from './engine.ts';

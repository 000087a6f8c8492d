/** Actions and sagas, newest first. Next: `dashboard/views/details/action.ts`. */
import type { RenderView } from '../view.ts';
import { listOf } from './reports.ts';

export const actionsView: RenderView = (context) => listOf(context, 'actions', 'Actions', ['action', 'saga']);

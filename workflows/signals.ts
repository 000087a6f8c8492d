/**
 * The signals that app code and workers send to workflows.
 */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { defineSignal } from '@temporalio/workflow';
import { searchAttributes, signalNames } from '../contracts/names.ts';

/** `isWritten`: the run's row says so already. Without it, as from Temporal's Web UI, the workflow writes it. */
export const pauseSignal = defineSignal<[isWritten?: boolean]>(signalNames.pause);
/** `pauses`: those that this resume ends; one that came after it stands. Without it, as from Temporal's Web UI, all of them. */
export const resumeSignal = defineSignal<[pauses?: number]>(signalNames.resume);
/** To a run: its account has been connected again. Ends no pause of an operator. */
export const reconnectedSignal = defineSignal(signalNames.reconnected);
/** To a run that is pinned to a build of the workers: this one (`deployment:buildId`) is to go on with it. */
export const newBuildSignal = defineSignal<[version?: string]>(signalNames.newBuild);
/** To an operation that waits for its entity: it holds the lock now. */
export const lockGrantedSignal = defineSignal(signalNames.lockGranted);

export const statusAttribute = defineSearchAttributeKey(searchAttributes.status, SearchAttributeType.KEYWORD);

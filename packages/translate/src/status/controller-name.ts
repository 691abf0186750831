/** The name of the controller in the statuses that are ours. */
export const controllerName = 'tulle.dev/mesh-controller';

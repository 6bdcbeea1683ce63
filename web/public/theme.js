// Runs before the first paint, so that a chosen theme does not flash in the other one's colours.
(function () {
  var theme = null;
  try {
    theme = localStorage.getItem('kanrin.theme');
  } catch {
    // storage is closed to us: follow the system
  }
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
})();

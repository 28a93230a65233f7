// Runs before the first paint, so that a remembered theme does not flash.
{
  const theme = sessionStorage.getItem("theme");
  if (theme) document.documentElement.dataset.theme = theme;
}

// Runs before anything is drawn: the list that comes with the page is the mail's, and belongs to no other view.
if (/^#\/(conversations|doors|faults)/.test(location.hash)) document.documentElement.className = "elsewhere";

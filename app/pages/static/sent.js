// Sends the form that is all of its page; without this there is its button.
document.getElementById("sent").submit();

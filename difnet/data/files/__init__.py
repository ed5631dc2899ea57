"""Reading what data sets consist of: folders, lists, images and labels; a mistake is one line."""
